"""The log of a run: one JSON object a line, appended and never rewritten."""

import json
from pathlib import Path


def append_record(path: Path, record: dict) -> None:
    """Append one line, after ending a line that a killed process may have left unfinished."""
    with open(path, "ab+") as file:
        if file.tell() > 0:
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(record).encode() + b"\n")


def read_log(path: str | Path) -> list[dict]:
    """Return the records of a log, with `nimg` increasing.

    A run that was killed repeats what came after its last checkpoint: the later lines count.
    Lines that are no records, unfinished or damaged, are passed over. Raises OSError if there is
    no such file.
    """
    records: list[dict] = []
    for line in Path(path).read_text(errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if not isinstance(record, dict) or not isinstance(record.get("nimg"), int):
            continue
        while records and records[-1]["nimg"] >= record["nimg"]:
            records.pop()
        records.append(record)
    return records
