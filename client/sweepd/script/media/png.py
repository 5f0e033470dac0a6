"""Writes PNG files with the standard library alone. Format: W3C, Portable Network Graphics, 3rd edition."""

import struct
import zlib

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def png(width: int, height: int, channels: int, samples: bytes) -> bytes:
    """Return a picture of 8 bits a sample.

    Args:
        width: in pixels.
        height: in pixels.
        channels: 1 grey, 2 grey and alpha, 3 red, green, blue, 4 these and alpha.
        samples: row after row, `width * height * channels` bytes.

    Raises:
        ValueError: the sizes do not fit together.
    """
    stride = width * channels
    if channels not in _COLOUR_TYPES or not stride or not height or len(samples) != stride * height:
        raise ValueError(f"{len(samples)} samples are no picture of {width} x {height} x {channels}")
    rows = b"".join(b"\0" + samples[start : start + stride] for start in range(0, len(samples), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum
