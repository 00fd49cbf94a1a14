"""The reader on the golden region and on damaged copies of it. Whatever the bytes are, each call must come back with data or a
documented error. A live writer is read by scripts/test-clients.mjs.

    python -m unittest discover -s tests

MARKET_DATA_SEED and MARKET_DATA_ROUNDS repeat or extend the random part.
"""

import json
import math
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Any, Dict

import market_data_shm as shm

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden"
CLEAN = (GOLDEN / "v1.bin").read_bytes()
EXPECTED = json.loads((GOLDEN / "v1.json").read_text(encoding="utf-8"))
START = int(EXPECTED["reads"][0]["start_position"])
MANTISSAS = {"price", "quantity", "last_price", "volume_24h", "high_24h", "low_24h"}

SCRIBBLER = """
import os, random, sys
descriptor, size, generator = os.open(sys.argv[1], os.O_WRONLY), int(sys.argv[2]), random.Random(1)
while True:
    value = generator.randrange(8) * 64 if generator.randrange(4) == 0 else generator.getrandbits(64)
    os.pwrite(descriptor, value.to_bytes(8, "little"), 128 + generator.randrange(size - 136) // 8 * 8)
"""


def described(event: Any) -> Dict[str, Any]:
    """An event as the golden JSON spells it."""
    if isinstance(event, shm.Lost):
        return {"type": "lost", "bytes": str(event.bytes)}
    kind = {shm.Book: "book", shm.Trade: "trade", shm.Status: "status"}[type(event)]
    names = next(record for read in EXPECTED["reads"] for record in read["events"] if record["type"] == kind)
    out: Dict[str, Any] = {}
    for name, example in names.items():
        value = getattr(event, {"type": "symbol", "bids": "bid_mantissas", "asks": "ask_mantissas"}.get(name, name), None)
        if name in MANTISSAS:
            value = getattr(event, name + "_mantissa")
            value = None if math.isnan(value) else value
        elif name in ("bids", "asks"):
            value = [list(level) for level in value]
        elif isinstance(example, str) and not isinstance(value, str):
            value = str(value)
        out[name] = value
    out["type"] = kind
    return out


class ReaderTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="market-data-python-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = os.path.join(self.directory, "region")

    def write(self, data: bytes, name: str = "region") -> str:
        path = os.path.join(self.directory, name)
        pathlib.Path(path).write_bytes(data)
        return path

    def open(self, data: bytes = CLEAN, *, verify: bool = False) -> shm.Reader:
        reader = shm.open_region(self.write(data), verify=verify)
        self.addCleanup(reader.close)
        return reader

    def read_all(self, reader: shm.Reader, start: int) -> list:
        reader.seek(start)
        return list(iter(reader.next, None))


class GoldenTest(ReaderTest):
    def test_every_value_equals_the_json(self) -> None:
        reader = self.open(verify=True)
        for name, expected in EXPECTED["header"].items():
            if name in shm.Header._fields:
                self.assertEqual(getattr(reader.header, name), int(expected), name)
        self.assertEqual(list(reader.symbols), EXPECTED["symbols"])
        self.assertEqual([described(reader.latest(symbol)) for symbol in reader.symbols], EXPECTED["slots"])
        for read in EXPECTED["reads"]:
            events = self.read_all(reader, int(read["start_position"]))
            self.assertEqual([described(event) for event in events], read["events"])
            self.assertEqual(reader.position, reader.tail)
        self.assertEqual(reader.writer_state(), EXPECTED["liveness"])

    def test_values_are_the_doubles_of_the_decimal_text(self) -> None:
        reader = self.open()
        books = [event for event in self.read_all(reader, START) if isinstance(event, shm.Book)]
        self.assertGreater(len(books), 0)
        for book in books:
            for (price, quantity), (p, q) in zip(book.bids + book.asks, book.bid_mantissas + book.ask_mantissas):
                self.assertEqual(price, float(f"{int(p)}e-{book.price_scale}"))
                self.assertEqual(quantity, float(f"{int(q)}e-{book.quantity_scale}"))
            self.assertEqual(book.best_bid, book.bids[0] if book.bids else None)
            self.assertEqual(book.best_ask, book.asks[0] if book.asks else None)

    def test_a_fresh_reader_stands_at_the_end(self) -> None:
        self.assertIsNone(self.open().next())

    def test_numpy_views_hold_the_mantissas(self) -> None:
        try:
            import numpy  # noqa: F401
        except ImportError:
            self.skipTest("numpy is not installed")
        book = self.open().latest(0)
        bids, asks = book.numpy()
        self.assertEqual([tuple(level) for level in bids.tolist()], book.bid_mantissas)
        self.assertEqual([tuple(level) for level in asks.tolist()], book.ask_mantissas)


class ErrorTest(ReaderTest):
    def test_each_listed_corruption_gives_its_error(self) -> None:
        for corruption in EXPECTED["corruptions"]:
            with self.subTest(corruption["name"]):
                data = bytearray(CLEAN[: corruption.get("truncate_to", len(CLEAN))])
                for patch in corruption.get("patches", ()):
                    replacement = bytes.fromhex(patch["hex"])
                    data[patch["offset"] : patch["offset"] + len(replacement)] = replacement
                with self.assertRaises(shm.ShmError) as caught:
                    reader = self.open(bytes(data), verify=corruption.get("verify", False))
                    if corruption["at"] == "latest":
                        reader.latest(corruption["symbol"])
                    elif corruption["at"] == "next":
                        self.read_all(reader, int(corruption["start_position"]))
                self.assertEqual(caught.exception.code, corruption["error"])

    def test_wrong_arguments(self) -> None:
        reader = self.open()
        for action in (lambda: reader.latest("NO_SUCH"), lambda: reader.latest(3), lambda: reader.latest(-1)):
            self.assertRaises(shm.UnknownSymbol, action)
        self.assertRaises(shm.Corrupt, reader.seek, 7)
        self.assertRaises(shm.Corrupt, reader.seek, -64)
        reader.close()
        reader.close()
        for action in (reader.next, reader.wait, reader.reopen, reader.writer_state, lambda: reader.latest(0), lambda: reader.tail):
            self.assertRaises(shm.Unavailable, action)

    def test_files_that_are_no_regions(self) -> None:
        self.write(CLEAN)
        os.symlink(self.path, os.path.join(self.directory, "link"))
        os.mkfifo(os.path.join(self.directory, "fifo"))
        for name, error in (
            ("missing", shm.NotFound),
            ("region/below", shm.NotFound),
            ("x" * 300, shm.NotFound),
            ("nul\0", shm.NotFound),
            (".", shm.NotARegion),
            ("link", shm.NotARegion),
            ("fifo", shm.NotARegion),
        ):
            with self.subTest(name):
                self.assertRaises(error, shm.open_region, f"{self.directory}/{name}")
        self.assertRaises(shm.NotFound, shm.open_region, "")
        if os.geteuid() != 0:
            os.chmod(self.path, 0)
            self.assertRaises(shm.PermissionRefused, shm.open_region, self.path)


def damage(data: bytearray, generator: random.Random) -> None:
    values = (0, 1, 64, 128, 512, 0xFFFFFFFF, 1 << 53, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
    offset = generator.randrange(504 if generator.randrange(3) == 0 else len(data) - 8)
    if generator.randrange(2):
        offset &= ~7
    number = generator.getrandbits(64) if generator.randrange(2) else generator.choice(values)
    width = 1 << generator.randrange(4)
    data[offset : offset + width] = struct.pack("<Q", number)[:width]


class DamageTest(ReaderTest):
    def read_everything(self, reader: shm.Reader, events_max: int) -> None:
        for index in range(min(reader.header.symbol_count, 64)):
            try:
                book = reader.latest(index)
                self.assertEqual((len(book.bids), len(book.asks)), (book.bid_count, book.ask_count))
            except (shm.Corrupt, shm.SlotUnfinished):
                pass
        reader.seek(START)
        try:
            for _ in range(events_max):
                if reader.next() is None:
                    break
        except shm.Corrupt:
            pass
        reader.writer_state()

    def test_random_damage_gives_data_or_documented_errors(self) -> None:
        seed = int(os.environ.get("MARKET_DATA_SEED", time.time_ns()))
        print(f"seed {seed}")
        generator, opened = random.Random(seed), 0
        for count in range(int(os.environ.get("MARKET_DATA_ROUNDS", 3000))):
            data = bytearray(CLEAN)
            if generator.randrange(20) == 0:
                data[128:] = generator.randbytes(len(data) - 128)
            for _ in range(1 + generator.randrange(8)):
                damage(data, generator)
            if generator.randrange(20) == 0:
                del data[generator.randrange(len(data)) :]
            try:
                reader = shm.open_region(self.write(bytes(data)), verify=count % 2 == 0)
            except shm.ShmError:
                continue
            with reader:
                opened += 1
                reader.slot_timeout_s = 0
                self.read_everything(reader, 100_000)
        self.assertGreater(opened, 0)

    def test_reading_goes_on_while_another_scribbles_over_the_region(self) -> None:
        reader = self.open()
        reader.slot_timeout_s = 0.0001
        scribbler = subprocess.Popen([sys.executable, "-c", SCRIBBLER, self.path, str(len(CLEAN))])
        try:
            deadline = time.monotonic() + 0.7
            while time.monotonic() < deadline:
                self.read_everything(reader, 1000)
        finally:
            scribbler.kill()
            scribbler.wait()


class RestartTest(ReaderTest):
    def replace_with(self, data: bytes) -> None:
        os.rename(self.write(data, "new"), self.path)

    def test_a_region_that_replaces_another_is_attached(self) -> None:
        reader = self.open()
        self.assertFalse(reader.reopen())
        self.replace_with(CLEAN[:24] + struct.pack("<q", 77) + CLEAN[32:])
        # The golden writer's heartbeat stands still, so the first thing to hear is that it is silent.
        self.assertEqual(reader.wait(5), shm.WriterChanged("silent"))
        self.assertEqual(reader.wait(5, sleep_s=0), shm.Reopened(77))
        self.assertEqual(reader.position, reader.header.first_position)

        self.replace_with(b"not a region")
        self.assertRaises(shm.NotARegion, reader.reopen)
        self.assertEqual(reader.header.generation, 77, "the old region stays attached")
        os.remove(self.path)
        self.assertFalse(reader.reopen(), "a missing file is no error")

    def test_waiting_ends(self) -> None:
        reader = self.open(CLEAN[:128] + struct.pack("<I", 2) + CLEAN[132:])
        self.assertEqual(next(reader.events()), shm.WriterChanged("closed"))
        self.assertIsNone(reader.wait(0.02))
        self.assertIsNone(reader.wait(0))


if __name__ == "__main__":
    unittest.main()
