"""The Fashion-MNIST example, on a small subset made here in the data set's format."""

import gzip
import io
import re

import fashion_mnist
import h5py
import networks
import numpy as np
import pytest
import step_time
import torch
import training


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    with gzip.open(path, "wb") as file:
        file.write(header + array.astype(np.uint8).tobytes())


@pytest.fixture
def data(tmp_path):
    """Ten classes, told apart by where a bright bar lies."""
    folder = tmp_path / "data"
    folder.mkdir()
    source = np.random.default_rng(1)
    for part, count in (("train", 600), ("t10k", 200)):
        labels = source.integers(0, 10, count)
        images = source.integers(0, 60, (count, 28, 28))
        for image, label in zip(images, labels):
            image[2 * label + 2 : 2 * label + 6] = 255
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)
    return folder


def run(capsys, data, *arguments):
    assert fashion_mnist.main([*arguments, "--data", str(data)]) == 0
    return capsys.readouterr()


def without_seconds(text):
    # Columns are as wide as the seconds in them: on a loaded machine wider.
    return re.sub(r" +", " ", re.sub(r"\d+( s\b|\n)", "", text))


def test_every_mode_trains_and_shows_in_the_final_table(capsys, data):
    out = run(capsys, data, "--subset", "200", "--epochs", "1").out
    table = out[out.index("\nmode") :]
    assert re.findall(r"^(\S+) +1 +\d+\.\d\d ", table, re.M) == list(training.MODES)


def test_of_several_seeds_it_shows_mean_and_spread(capsys, data):
    options = ("--mode", "potq", "--epochs", "1", "--subset", "200", "--seed", "1", "--seed", "2")
    table = run(capsys, data, *options).out
    rows = dict(re.findall(r"^potq +(\S+) +(\d+\.\d\d) ", table, re.M))
    one, two = float(rows["1"]), float(rows["2"])
    assert float(rows["mean"]) == pytest.approx((one + two) / 2, abs=0.006)
    assert float(rows["spread"]) == pytest.approx(abs(one - two) / 2**0.5, abs=0.011)


@pytest.mark.parametrize("net", networks.NETWORKS)
def test_every_network_trains_with_every_option_of_the_quantizer(net, capsys, data):
    options = ("--gradient-rounding", "stochastic", "--activation-terms", "2", "--bits", "6")
    run(capsys, data, "--net", net, "--mode", "wbc+prc", "--epochs", "1", "--subset", "130", *options)


def test_resnet20_has_twenty_layers_but_for_the_shortcuts():
    model = networks.resnet20()
    names = [n for n, m in model.named_modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    assert len([name for name in names if "shortcut" not in name]) == 20


def test_in_a_pipe_it_prints_one_plain_line_an_epoch(capsys, data):
    printed = run(capsys, data, "--mode", "fp32", "--epochs", "2", "--subset", "200")
    assert printed.err == ""
    assert "\r" not in printed.out
    assert len(re.findall("^fp32 seed 1 epoch", printed.out, re.M)) == 2


def test_on_a_terminal_it_draws_a_bar():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    progress = training.Progress(10, stream)
    progress.show(5, "epoch 1")
    assert "epoch 1 [" + "#" * 15 + "." * 15 + "] 5/10" in stream.getvalue()


def test_it_learns_and_the_same_seed_gives_the_same_figures(capsys, data):
    options = ("--mode", "wbc+prc", "--epochs", "8", "--seed", "3")
    one = run(capsys, data, *options).out
    assert float(re.findall(r"accuracy (\S+)%", one)[-1]) > 80
    two = run(capsys, data, *options).out
    assert without_seconds(one) == without_seconds(two)


def test_capturing_leaves_the_training_as_it_is(capsys, data, tmp_path):
    options = ("--mode", "wbc+prc", "--epochs", "2", "--subset", "300")
    path = tmp_path / "step.h5"
    without = run(capsys, data, *options).out
    out = run(capsys, data, *options, "--capture", str(path)).out
    assert without_seconds(out).startswith(without_seconds(without))
    with h5py.File(path) as trace:
        assert trace.attrs["step"] == 3  # of 0..5
        assert trace["layers/000-conv1/A"].shape == (16, 1, 28, 28)
        assert trace["layers/004-fc2/G"].shape == (16, 10)


def test_fp32_cannot_be_captured(data, capsys):
    with pytest.raises(SystemExit) as error:
        fashion_mnist.main(["--mode", "fp32", "--capture", "x.h5"])
    assert error.value.code == 2
    assert "ALS-PoTQ mode" in capsys.readouterr().err


def test_a_missing_folder_for_the_trace_is_said_before_training(tmp_path, capsys):
    with pytest.raises(SystemExit):
        fashion_mnist.main(["--capture", str(tmp_path / "none" / "x.h5")])
    assert "there is no folder" in capsys.readouterr().err


def test_a_missing_data_set_names_file_and_remedy(tmp_path):
    with pytest.raises(SystemExit, match="train-images.*dataset-fashion-mnist"):
        fashion_mnist.main(["--mode", "fp32", "--data", str(tmp_path)])


def test_the_network_is_that_of_the_shipped_trace():
    model = networks.FashionCnn()
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert [tuple(p.shape) for p in model.parameters() if p.dim() > 1] == [
        (16, 1, 3, 3),
        (32, 16, 3, 3),
        (64, 32, 3, 3),
        (128, 3136),
        (10, 128),
    ]


def test_the_step_timer_shows_every_network_and_mode(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["step_time.py", "--steps", "1"])
    monkeypatch.setattr(step_time, "workloads", lambda: {"tiny": (lambda: step_time.perceptron(16), torch.randn(2, 16))})
    before = torch.get_num_threads()
    assert step_time.main() == 0
    torch.set_num_threads(before)
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split()[2:] == list(training.POTQ_MODES)
    assert len(re.findall(r"\d+\.\d\dx", row)) == len(training.POTQ_MODES)
