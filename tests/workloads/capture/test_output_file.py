"""Files that appear whole: what stands in their place, and what killed writers leave."""

import os
import signal
import stat
import subprocess
import sys

import h5py
import pytest
import torch
from conftest import CAPTURE
from torch import nn

import potomac_capture as pc
from potomac_capture import trace_file
from potomac_capture.output_file import replaced_whole

SOURCE = {"dataset": "random", "step": 3, "seed": 1}


def capture(path, *sizes):
    model = pc.quantize(nn.Linear(*(sizes or (4, 4))))
    with pc.capture(model, path, **SOURCE):
        model(torch.randn(2, model.in_features)).sum().backward()


def test_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    ran = []
    with pytest.raises(ValueError, match="pipe is no regular file, and would be replaced by one; name"):
        with pc.capture(pc.quantize(nn.Linear(2, 2)), tmp_path / "pipe", **SOURCE):
            ran.append(1)
    assert not ran and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_link_stays_and_what_it_names_is_replaced(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.h5").symlink_to("elsewhere/real.h5")
    for _ in range(2):
        capture(tmp_path / "link.h5")
        assert (tmp_path / "link.h5").is_symlink()
        assert h5py.is_hdf5(tmp_path / "elsewhere/real.h5")
    assert os.listdir(tmp_path / "elsewhere") == ["real.h5"]


KILLED = """
import os, signal, sys
from potomac_capture.output_file import replaced_whole
with replaced_whole(sys.argv[1]) as temporary:
    open(temporary, "w").write("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_swept_up(tmp_path):
    path = tmp_path / "t.h5"
    for name in ("t.h5", "other.h5"):
        done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / name],
                              env={**os.environ, "PYTHONPATH": str(CAPTURE / "src")})  # fmt: skip
        assert done.returncode == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 2
    with replaced_whole(path) as running:  # whose writer lives
        capture(path)
        left = os.listdir(tmp_path)
        assert os.path.basename(running) in left and "t.h5" in left
        assert sum("other.h5" in name for name in left) == 1 and len(left) == 3
        open(running, "w").write("whole")
    assert path.read_text() == "whole"


def test_a_layer_is_written_in_pieces_and_an_interruption_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "t.h5"
    capture(path)
    before = path.read_bytes()
    seen = []

    def interrupted(pieces, label):
        for piece in pieces:
            seen.append(piece)
            if len(seen) == 3:
                os.kill(os.getpid(), signal.SIGINT)
            yield piece

    monkeypatch.setattr(trace_file, "with_progress", interrupted)
    with pytest.raises(KeyboardInterrupt):
        capture(path, 2048, 1024)  # W has 8 chunks
    assert len(seen) < 8 and path.read_bytes() == before and os.listdir(tmp_path) == ["t.h5"]


def test_chunks_are_whole_innermost_axes():
    assert trace_file._chunk_shape((1, 4096, 4096), 1) == (1, 64, 4096)
    assert trace_file._chunk_shape((3, 5, 7), 4) == (3, 5, 7)
    assert trace_file._chunk_shape((10, 1 << 20), 4) == (1, 1 << 16)
