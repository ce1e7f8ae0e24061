"""SPI commands in any order on a chip of simulated cells, against a plain byte array."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from small_chip import KIBIBIT, ForgetfulChip, design

from tantala.chip import Chip
from tantala.chip.spi import Slave

SIZE = 8 << 10
# Most of them near each other, so that commands meet.
addresses = st.integers(0, 64) | st.integers(SIZE - 64, SIZE - 1) | st.integers(0, SIZE - 1)
UNKNOWN = -1


class SerialModel(RuleBasedStateMachine):
    """A face and its model: `content` holds a byte, or UNKNOWN after a cut in its word."""

    face = "rm25c"
    kind: type[Chip] = Chip

    @initialize(seed=st.integers(0, 3))
    def start(self, seed: int) -> None:
        self.chip = self.kind(design(capacity=SIZE // 128 * KIBIBIT), seed=seed)
        self.device = Slave(self.chip, self.face)
        self.content = [0] * SIZE
        self.blocks = 0
        self.lapse()

    def lapse(self) -> None:
        """Volatile state is gone."""
        self.enabled = self.asleep = self.begun = False

    # What a window meets

    def refresh(self) -> bool:
        """Take in the time that has passed; whether a command other than RDSR will be heard."""
        if not self.chip.powered:
            return False
        self.device.idle(0.0)
        if self.begun and not self.device.busy > 0.0:
            self.enabled = self.begun = False
        ready = not self.device.busy > 0.0 and not self.device._waking > 0.0
        return ready and not self.asleep

    def transfer(self, sent: bytes, receive: int = 0) -> bytes:
        """One window; power may fail in it, and a pulse of chip select may wake the part."""
        powered = self.chip.powered
        answer = self.device.transfer(sent, receive)
        assert len(answer) == receive
        if powered and self.face == "mb85as":
            self.asleep = False
        if not self.chip.powered:
            self.lapse()
        return answer

    def address_bytes(self, address: int) -> bytes:
        return address.to_bytes(self.device.part.address, "big")

    def first_protected(self) -> int:
        return SIZE - int(SIZE * (0.0, 0.25, 0.5, 1.0)[self.blocks])

    def program(self, places: dict[int, int], sent: bytes) -> None:
        """A command that stores bytes at places, with all its rules."""
        heard = self.refresh()
        stored = heard and self.enabled and max(places) < self.first_protected()
        self.transfer(sent)
        if not stored:
            return
        if not self.chip.powered:
            word = self.chip.word_bytes
            for place in places:
                start = place // word * word
                self.content[start : start + word] = [UNKNOWN] * word
            return
        self.begun = True
        for place, value in places.items():
            self.content[place] = value

    # Commands

    @rule()
    def write_enable(self) -> None:
        heard = self.refresh()
        self.transfer(b"\x06")
        self.enabled = self.enabled or heard

    @rule()
    def write_disable(self) -> None:
        heard = self.refresh()
        self.transfer(b"\x04")
        self.enabled = self.enabled and not heard

    @rule(address=addresses, data=st.binary(min_size=1, max_size=70))
    def write(self, address: int, data: bytes) -> None:
        page = self.device.part.page
        first = address // page * page
        places = {first + (address + k) % page: byte for k, byte in enumerate(data)}
        self.program(places, b"\x02" + self.address_bytes(address) + data)

    @rule(address=addresses, data=st.binary(min_size=1, max_size=70))
    def write_and_wait(self, address: int, data: bytes) -> None:
        self.write_enable()
        self.write(address, data)
        self.idle(1.0)
        self.read(address, len(data))

    @rule(address=addresses)
    def erase(self, address: int) -> None:
        code, size = (0x20, 4096) if self.face == "sfdp" else (0x42, self.device.part.page)
        if self.face == "mb85as":
            return
        first = address // size * size
        places = dict.fromkeys(range(first, first + size), 0xFF)
        self.program(places, bytes([code]) + self.address_bytes(address))

    @rule(address=addresses, length=st.integers(0, 300) | st.just(SIZE + 5))
    def read(self, address: int, length: int) -> None:
        heard = self.refresh()
        answer = self.transfer(b"\x03" + self.address_bytes(address), length)
        if heard and not self.chip.powered:
            return  # power failed while a read mended a word
        for k, byte in enumerate(answer):
            expected = self.content[(address + k) % SIZE] if heard else 0
            assert expected in (byte, UNKNOWN), f"0x{address + k:x}: {byte:02x}"

    @rule(blocks=st.integers(0, 3) | st.just(0))
    def write_status(self, blocks: int) -> None:
        heard = self.refresh()
        self.transfer(b"\x01" + bytes([blocks << 2]))
        if heard and self.enabled:
            self.blocks, self.begun = blocks, True

    @rule()
    def read_status(self) -> None:
        heard, busy = self.refresh(), self.chip.powered and self.device.busy > 0.0
        answer = self.transfer(b"\x05", 1)
        if not heard and not busy:
            assert answer == b"\0"
        elif busy:
            assert answer[0] in (self.blocks << 2 | 0x03, self.blocks << 2)
        else:
            assert answer[0] == self.blocks << 2 | (0x02 if self.enabled else 0)

    @precondition(lambda self: self.face != "sfdp")
    @rule()
    def sleep(self) -> None:
        heard = self.refresh()
        self.transfer(b"\xb9")
        self.asleep = self.asleep or heard

    @rule()
    def wake(self) -> None:
        """By the command of RM25C; a pulse of chip select is enough for MB85AS."""
        self.transfer(b"\xab")
        if self.chip.powered:
            self.asleep = False
        self.idle(1.0)

    @rule(sent=st.binary(max_size=4).filter(lambda sent: sent[:1] >= b"\xf0"))
    def unknown(self, sent: bytes) -> None:
        assert self.transfer(sent, 3) == bytes(3)

    # Time and power

    @rule(seconds=st.sampled_from((1e-6, 1e-5, 1e-4, 1.0)))
    def idle(self, seconds: float) -> None:
        if self.chip.powered:
            self.device.idle(seconds)

    @rule(
        time=st.sampled_from(("1 s", "1 hour", "30 days", "1 year", "10 years")), hot=st.booleans()
    )
    def elapse(self, time: str, hot: bool) -> None:
        self.chip.elapse(time, temperature="85 degC" if hot else "25 degC")

    @rule(pulses=st.integers(0, 400))
    def cut(self, pulses: int) -> None:
        if self.chip.powered:
            self.chip.cut_power_after(pulses)

    @rule()
    def power_off(self) -> None:
        self.chip.power_off()
        self.read_status()

    @rule()
    def power_on(self) -> None:
        self.chip.power_on()

    @rule()
    def reset(self) -> None:
        self.device.reset()
        self.lapse()

    @rule(now=st.integers(0, 9))
    def another_day(self, now: int) -> None:
        """The die is saved and loaded, now and then: it takes long."""
        if now:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "die.img"
            self.chip.save(path)
            self.chip = self.kind.load(path)
        self.device = Slave(self.chip, self.face)
        self.lapse()

    @invariant()
    def protection_is_that_of_the_register(self) -> None:
        if hasattr(self, "device"):
            first, last = self.device.protected
            assert last - first == SIZE - self.first_protected()


class Mb85asModel(SerialModel):
    """The same for MB85AS: no erase, sleep ends at any pulse."""

    face = "mb85as"


class SfdpModel(SerialModel):
    """The same for the part that describes itself: sectors of 4 KiB."""

    face = "sfdp"


class ForgetfulModel(SerialModel):
    """The control."""

    kind = ForgetfulChip


def run(model: type[SerialModel], examples: int, steps: int, phases: list[Phase]) -> None:
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            verbosity=Verbosity.quiet,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("model", [SerialModel, Mb85asModel, SfdpModel])
def test_commands_in_any_order(model: type[SerialModel], campaign: Any) -> None:
    every = [Phase.generate, Phase.shrink]
    run(model, campaign.count(10, 500), campaign.count(40, 100), every)


def test_a_chip_that_forgets_writes_is_caught() -> None:
    with pytest.raises(AssertionError):
        run(ForgetfulModel, 200, 60, [Phase.generate])
