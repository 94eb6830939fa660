"""The Transformer example, on a small dictionary made here in the form of Debian's."""

import gzip
import re

import h5py
import pytest
import training
import translate_words


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "words.dict.dz"
    letters = "abcdefghijklmnopqrst"
    entries = []
    for i in range(80):
        word = "".join(letters[(i * k) % 20] for k in (1, 3, 7, i // 20 + 1))
        entries.append(f"{word} /ipa/\n{word[::-1].capitalize()} <masc> [tech.]\n see: {{x}}\n")
    entries.append("two words /ipa/\nZwei\nlonely /ipa/\nzwei Wörter\nunvoiced\nStumm\n")
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(entries))
    return path


def run(capsys, data, *arguments):
    assert translate_words.main([*arguments, "--data", str(data)]) == 0
    return capsys.readouterr()


def test_only_pairs_of_single_words_are_read(data):
    pairs = translate_words.read_pairs(data)
    assert len(pairs) == len({english for english, _ in pairs}) > 60
    assert all(german == english[::-1].capitalize() for english, german in pairs)


def test_every_mode_trains_and_the_last_is_captured(capsys, data, tmp_path):
    trace = tmp_path / "trace.h5"
    printed = run(capsys, data, "--epochs", "2", "--capture", str(trace))
    assert printed.err == ""
    table = printed.out[printed.out.index("\nmode") :]
    assert re.findall(r"^(\S+) +1 +\d\.\d{4} +\d+\.\d\d ", table, re.M) == list(training.MODES)
    with h5py.File(trace) as file:
        assert len(file["layers"]) == 2 * 6 + 2 * 11 + 1


def test_capturing_leaves_the_training_as_it_is(capsys, data, tmp_path):
    options = ("--mode", "wbc+prc", "--epochs", "2")
    plain = run(capsys, data, *options).out
    captured = run(capsys, data, *options, "--capture", str(tmp_path / "t.h5")).out
    losses = [re.findall(r"test loss (\d\S+)", text) for text in (plain, captured)]
    assert losses[0] == losses[1] and len(losses[0]) == 2


@pytest.mark.parametrize(
    "arguments",
    [["--capture", "t.h5", "--mode", "fp32"], ["--capture", "none/t.h5"], ["--epochs", "0"]],
)
def test_options_that_cannot_be(arguments, capsys):
    with pytest.raises(SystemExit):
        translate_words.parse(arguments)
    assert "error" in capsys.readouterr().err


def test_a_missing_dictionary_says_what_to_install(tmp_path):
    with pytest.raises(SystemExit, match="install Debian's dict-freedict-eng-deu"):
        translate_words.read_pairs(tmp_path / "none")
