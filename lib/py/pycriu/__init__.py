# SPDX-License-Identifier: LGPL-2.1
"""Images and requests of criu.

pycriu.images reads and writes image files; pycriu.rpc holds the messages of the service's protocol.
"""

from . import images
from .images import rpc_pb2
from .images import rpc_pb2 as rpc

__all__ = ["images", "rpc", "rpc_pb2"]
