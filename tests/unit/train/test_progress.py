"""Progress in the log and curves for TensorBoard."""

import logging

import torch

from grnformer.train.progress import (
    Progress,
    Record,
    format_row,
    format_seconds,
    peak_memory,
)


def test_the_log_tells_steps_loss_speed_and_time_left(caplog, monkeypatch):
    """Held-out scores, 40 seconds here, are not in the pace by which the rest is foretold."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    clock = iter([0.0, 10.0, 15.0, 55.0, 70.0, 75.0])
    monkeypatch.setattr("grnformer.train.progress.time.monotonic", lambda: next(clock))
    with (
        caplog.at_level(logging.INFO, "grnformer.train"),
        Progress(100, 200, 20, "squared SD", shown=True) as progress,
    ):
        progress.advance(110, 0.5, 300)
        with progress.paused():
            pass
        for step in (130, 135):
            progress.advance(step, 0.5, 300)
    assert [record.getMessage() for record in caplog.records] == [
        "step 130 of 200 (65%), loss 0.5000 squared SD, 20 tokens/s, 0:01:10 left"
    ]


def test_a_row_of_the_curve_is_a_line_of_text():
    row = {"step": 20, "epoch": 1, "split": "train", "loss": 0.98765, "beta": None}
    row |= {"tokens_per_second": 12345.6, "learning_rate": 0.0001}
    assert format_row(row, "nats") == (
        "step 20 (epoch 1), train: loss 0.9877 nats, tokens per second 12346, "
        "learning rate 0.0001"
    )


def test_seconds_are_written_as_a_clock():
    assert format_seconds(3723.4) == "1:02:03"


def test_resident_memory_is_in_megabytes():
    assert 50 < peak_memory(torch.device("cpu")) < 100_000


def test_the_record_holds_each_number_of_a_row(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Record(tmp_path, 0) as record:
        record.add({"step": 7, "split": "train", "loss": 0.25, "beta": None})
    events = EventAccumulator(str(tmp_path)).Reload()
    assert events.Tags()["scalars"] == ["train/loss"]
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [
        (7, 0.25)
    ]
    with Record(None, 0) as record:
        record.add({"step": 1, "split": "train", "loss": 1.0})
    assert len(list(tmp_path.iterdir())) == 1
