"""The block face: a network block device (NBD) server over a chip.

Any NBD client reads and writes the chip through it: fio, nbdcopy, qemu, nbdfuse. Protocol:
`nbd_protocol` in library/sources.bib, fixed newstyle negotiation with simple replies.
"""

from tantala.chip.nbd.server import NbdServer, serve_nbd

__all__ = ["NbdServer", "serve_nbd"]
