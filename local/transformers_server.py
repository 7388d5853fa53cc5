"""`transformers serve`: any Hugging Face model, local folder or GGUF file behind an OpenAI-compatible interface."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.home import room

QUANTISATION = re.compile(r"[-.](i?q\d\w*|f16|bf16|f32|fp16)$", re.IGNORECASE)


@dataclass(frozen=True)
class Weights:
    """What is to be served. repository: on the Hugging Face hub, or a folder. gguf: a file in it, "" for none."""

    repository: str
    gguf: str = ""

    @property
    def served_as(self) -> str:
        """What the server calls it, and wants to be asked for."""
        return f"{self.repository}:{self.gguf}" if self.gguf else self.repository

    @property
    def name(self) -> str:
        """What people call it: the repository's name on the hub, the folder's or file's on this machine."""
        if self.gguf:
            return Path(self.gguf).stem
        return Path(self.repository).name if Path(self.repository).is_dir() else self.repository

    @property
    def unquantised(self) -> str:
        """Its name without the kind of quantisation, as a catalogue of models has it."""
        return QUANTISATION.sub("", self.name)


def weights(model: str, gguf: str = "") -> Weights:
    """Return what `model` names: a repository, a folder, or a GGUF file.

    Raises FileNotFoundError for a path that is not there.
    """
    path = Path(model).expanduser()
    if path.suffix == ".gguf" and not gguf:
        path, gguf = path.parent, path.name
    if path.is_dir():
        path = path.resolve()
        if gguf and not (path / gguf).is_file():
            raise FileNotFoundError(str(path / gguf))
        return Weights(str(path), gguf)
    if path.is_absolute() or model.startswith((".", "~")) or model.endswith(".gguf"):
        raise FileNotFoundError(str(path / gguf if gguf else path))
    return Weights(model, gguf)


def unpacked(wanted: Weights) -> Weights:
    """Return the same weights as `transformers serve` can load them: a GGUF file is unpacked once, into the home.

    transformers 5.23 loads GGUF files by AutoModel but not in its server, which looks for an architecture that their
    configuration does not name. Unpacked to 16 bits, a file of 4 bits takes some four times its size.
    """
    if not wanted.gguf:
        return wanted
    folder = room("transformers") / wanted.name
    if not folder.exists():
        _unpack(_file(wanted), folder)
    return Weights(str(folder))


def _file(wanted: Weights) -> Path:
    """Return the path of the GGUF file, fetched from the hub if its repository is there."""
    if Path(wanted.repository).is_dir():
        return Path(wanted.repository) / wanted.gguf
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(wanted.repository, wanted.gguf))


def _unpack(path: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    source = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    dense = GgufConfig(dequantize=True)
    weights = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float16, quantization_config=dense)
    weights.save_pretrained(partial)
    AutoTokenizer.from_pretrained(**source).save_pretrained(partial)
    partial.rename(folder)


def command(wanted: Weights, *, host: str, port: int) -> list[str | Path]:
    """Return the command that serves the weights in the foreground, with continuous batching where there is a GPU."""
    # Without a GPU, 16 bits are slower than 32.
    how = ["--continuous-batching"] if _on_gpu() else ["--dtype", "float32"]
    program = Path(sys.executable).with_name("transformers")
    return [program, "serve", wanted.served_as, "--host", host, "--port", str(port), "--device", "auto", *how]


def ready(address: str) -> bool:
    """Return whether the server at `address` (without /v1) has loaded its weights."""
    try:
        return httpx.get(f"{address}/health", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def window_tokens(wanted: Weights) -> int:
    """Return what the weights were trained to read at once, from their own configuration; 0 if it does not say."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(wanted.repository, local_files_only=True)
    return int(getattr(config.get_text_config(), "max_position_embeddings", 0) or 0)


def _on_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
