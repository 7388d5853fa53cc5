"""Pictures and recordings, told by a file's first bytes."""

from __future__ import annotations

PICTURE = "picture"
RECORDING = "recording"
PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"})
RECORDING_ENDINGS = frozenset({".wav", ".mp3", ".m4a", ".flac", ".ogg", ".oga", ".opus", ".aac", ".mp4", ".webm"})

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_RECORDINGS = (b"fLaC", b"OggS\x00", b"\x1aE\xdf\xa3", b"ID3\x02", b"ID3\x03", b"ID3\x04")
# The second byte of a frame of MPEG layer III or of AAC; that of UTF-16's mark is none of them.
_FRAMES = frozenset(b"\xfa\xfb\xf2\xf3\xe2\xe3\xf0\xf1\xf8\xf9")
_RIFF = {b"WEBP": PICTURE, b"WAVE": RECORDING}
_STILL = {b"heic": "HEIC", b"heix": "HEIC", b"hevc": "HEIC", b"mif1": "HEIC", b"msf1": "HEIC", b"avif": "AVIF"}


def media_kind(head: bytes) -> str:
    """Return "picture" or "recording", the name of a format of pictures that is not read, or "" for anything else."""
    if head.startswith(_PICTURES):
        return PICTURE
    if head.startswith((b"RIFF", b"RF64")):
        return _RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return _STILL.get(head[8:12], RECORDING)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return "BMP"
    is_frame = head[:1] == b"\xff" and head[1:2] and head[1] in _FRAMES
    return RECORDING if is_frame or head.startswith(_RECORDINGS) else ""
