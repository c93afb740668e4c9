"""Progress in the log and curves for TensorBoard."""

import logging

import torch

from grnformer.train.progress import Progress, Record, format_seconds, peak_memory


def test_the_log_tells_steps_loss_and_time_left(caplog, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    clock = iter([0.0, 10.0, 30.0, 35.0])
    monkeypatch.setattr("grnformer.train.progress.time.monotonic", lambda: next(clock))
    with (
        caplog.at_level(logging.INFO, "grnformer.train"),
        Progress(100, 200, 20, shown=True) as progress,
    ):
        for step in (110, 130, 135):
            progress.advance(step, 0.5, 10)
    assert [record.getMessage() for record in caplog.records] == [
        "step 130 of 200 (65%), loss 0.5000, 0:01:10 left"
    ]


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
