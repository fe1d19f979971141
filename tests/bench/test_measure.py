"""bench: that what is read from /proc is true."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import threading
import time

import pytest

from bench.measure import cpu_seconds, descriptors, family, memory, parse_rollup, threads

pytestmark = pytest.mark.timing


def test_a_rollup_is_read() -> None:
    text = (
        "55d0-7ffc ---p 00000000 00:00 0    [rollup]\n"
        "Rss:                9000 kB\nPss:                5000 kB\nPss_Dirty:          4000 kB\n"
        "Private_Clean:       100 kB\nPrivate_Dirty:      3000 kB\n"
    )
    found = parse_rollup(text)
    assert (found.resident, found.proportional, found.private) == (9000 * 1024, 5000 * 1024, 3100 * 1024)


def test_memory_that_is_taken_is_seen() -> None:
    before = memory(os.getpid())
    with mmap.mmap(-1, 16 << 20) as taken:  # from the kernel: the allocator may have as much left from earlier
        taken.write(b"x" * len(taken))
        after = memory(os.getpid())
        assert after.proportional - before.proportional > 0.9 * len(taken)
    assert after.private <= after.proportional <= after.resident


def test_cpu_time_that_is_used_is_seen() -> None:
    before, own = cpu_seconds([os.getpid()]), time.process_time()
    while time.process_time() - own < 0.08:
        pass
    assert 0.06 <= cpu_seconds([os.getpid()]) - before <= 0.3


def test_a_process_that_ended_counts_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert cpu_seconds([child.pid]) == 0.0


def test_a_family_has_grandchildren() -> None:
    grandchild = "import subprocess, sys; subprocess.run(['sleep', '30'])"
    child = subprocess.Popen([sys.executable, "-c", grandchild])
    try:
        deadline = time.monotonic() + 5
        while len(family(child.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        found = family(child.pid)
        assert found[0] == child.pid
        assert len(found) == 2
        os.kill(found[1], 15)
    finally:
        child.terminate()
        child.wait()


def test_descriptors_and_threads_are_counted() -> None:
    pid = os.getpid()
    files, running = descriptors(pid), threads(pid)
    reading, writing = os.pipe()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert descriptors(pid) == files + 2
        assert threads(pid) == running + 1
    finally:
        stop.set()
        thread.join()
        os.close(reading)
        os.close(writing)
