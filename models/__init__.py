"""Networks, the registry of their published weights, and the backends that run them.

Imports neither Beam nor the store; torch, OpenVINO and the like are imported only where a network is really built.
"""
