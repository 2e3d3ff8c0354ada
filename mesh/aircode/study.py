"""Both ends learn the same from what they share, before the first bit of a record: each log that teaches is a lesson.

Lessons are kept, and so is what was made of the last few sets of them, since the same packet is said and heard several times
and most lessons are those of the packet before. What is kept changes no bit. A text that was taken back is forgotten here too.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from mesh import canonical
from mesh.aircode.letters import HELD, Chapter, Letters
from mesh.aircode.shared import Ground, Place, Teacher
from mesh.aircode.values import Values
from mesh.airform import Form, log_handle
from mesh.canonical import Value
from mesh.record import Record

WORD_MAX: Final = 256  # of one text, so many bytes teach
WORDS_MAX: Final = 48 * 1024  # and so many of all
LESSONS_SIZE_MAX: Final = 2 * 1024 * 1024  # bytes of memory, about, that lessons may take
SIZE_MIN: Final = 56 * 1024  # of one that holds some sentences
SIZE_PER_BYTE: Final = 12
STUDIES_MAX: Final = 24  # of about ten kilobytes each


class Heard(NamedTuple):
    """A record that both ends hold."""

    core: list[Value]
    form: Form
    said: Value


class Lesson:
    """What one log teaches: its words, and its last records as they stand."""

    def __init__(self, ground: Ground, teacher: Teacher) -> None:
        """Raises `Missing`."""
        self.writer = ground.writer(teacher.log)
        self.teacher = teacher
        records = ground.window(teacher)
        whole = enumerate(records[-teacher.numbers :], teacher.upto - teacher.numbers + 1)
        self.records = [_heard(ground, teacher, seq, record) for seq, record in whole]
        words = [word for record in records[: -teacher.numbers] for word in _words(record.said(), is_whole=False)]
        for record in self.records:
            words += _words(record.core[2:], is_whole=True)
            words += _words(record.said, is_whole=True)
        self.words = [word[:WORD_MAX] for word in words]
        self.length = sum(map(len, self.words))
        self.size = (
            SIZE_MIN + SIZE_PER_BYTE * self.length + sum(len(one.core) + len(one.text or b"") for one in records)
        )

    @cached_property
    def chapter(self) -> Chapter:
        """All of its words."""
        return Chapter(self.words)

    def chapter_within(self, room: int) -> tuple[Chapter, int]:
        """Return the words for which there is room, and the room that is left."""
        if self.length <= room:
            return self.chapter, room - self.length
        words = []
        for word in self.words:
            if len(word) <= room:
                room -= len(word)
                words.append(word)
        return Chapter(words), room

    def teach(self, values: Values) -> None:
        """Take a model through the records."""
        handle = log_handle(self.teacher.log)
        values.begin(handle)
        for core, form, said in self.records:
            number = values.core(None, core, handle)[0]
            values.form(None, form, number)
            if form >= Form.SALTED:
                values.said(None, said, number)


def _heard(ground: Ground, teacher: Teacher, seq: int, record: Record) -> Heard:
    return Heard(canonical.decode(record.core), ground.form(teacher.log, seq, record), record.said())


def _words(value: Value, is_whole: bool) -> Iterator[bytes]:
    """Yield the texts in a value, in order; the keys of maps too where all of it is taught."""
    if type(value) is str:
        yield value.encode()
    elif type(value) is list:
        for item in value:
            yield from _words(item, is_whole)
    elif type(value) is dict:
        for key, item in value.items():
            if is_whole:
                yield from _words(key, is_whole)
            yield from _words(item, is_whole)


class Study:
    """Lessons, and what was made of them."""

    def __init__(self) -> None:
        self._withdrawals = 0
        self._lessons: OrderedDict[Hashable, Lesson] = OrderedDict()
        self._studied: OrderedDict[Hashable, bytes] = OrderedDict()

    def of(self, ground: Ground, places: Sequence[Place]) -> tuple[Values, Letters]:
        """Return the models of values and of letters as both ends have them before the first record. Raises `Missing`."""
        if self._withdrawals != ground.holdings.withdrawals():
            self._withdrawals = ground.holdings.withdrawals()
            self._lessons.clear()
            self._studied.clear()
        teachers = ground.teachers(places)
        keys = tuple(self.key(ground, teacher) for teacher in teachers)
        lessons = [self._lesson(ground, teacher, key) for teacher, key in zip(teachers, keys, strict=True)]
        self._forget()
        named = {place.log for place in places}
        steady = next((number for number, one in enumerate(teachers) if one.log in named), 0)
        return self._values(keys, lessons, steady), _letters(lessons)

    def key(self, ground: Ground, teacher: Teacher) -> Hashable:  # noqa: ARG002 (for whoever looks at several grounds)
        """Return what tells a lesson from all others."""
        return teacher

    def _lesson(self, ground: Ground, teacher: Teacher, key: Hashable) -> Lesson:
        lesson = self._lessons.get(key)
        if lesson is None:
            lesson = self._lessons[key] = Lesson(ground, teacher)
        self._lessons.move_to_end(key)
        return lesson

    def _forget(self) -> None:
        size = sum(lesson.size for lesson in self._lessons.values())
        while size > LESSONS_SIZE_MAX:
            size -= self._lessons.popitem(last=False)[1].size

    def _values(self, keys: tuple[Hashable, ...], lessons: Sequence[Lesson], steady: int) -> Values:
        """Return the model of values after all lessons. The first `steady` of them are likely to come again."""
        logs = tuple(lesson.teacher.log for lesson in lessons)
        done = next((done for done in range(len(keys), 0, -1) if (logs, keys[:done]) in self._studied), 0)
        values = self._recall((logs, keys[:done])) if done else _beginner(lessons)
        for number, lesson in enumerate(lessons[done:], done + 1):
            lesson.teach(values)
            if number in (steady, len(lessons)):
                self._remember((logs, keys[:number]), values)
        return values

    def _recall(self, key: Hashable) -> Values:
        self._studied.move_to_end(key)
        values: Values = pickle.loads(self._studied[key])  # noqa: S301 (written below, by this process)
        return values

    def _remember(self, key: Hashable, values: Values) -> None:
        self._studied[key] = pickle.dumps(values, pickle.HIGHEST_PROTOCOL)
        if len(self._studied) > STUDIES_MAX:
            self._studied.popitem(last=False)


def _beginner(lessons: Sequence[Lesson]) -> Values:
    """Return a model that knows the names of all that teaches, and nothing else."""
    values = Values()
    for name in (*[lesson.writer for lesson in lessons], *[lesson.teacher.log for lesson in lessons]):
        values.know(name)
    return values


def _letters(lessons: Sequence[Lesson]) -> Letters:
    """Return the words of all lessons, as far as there is room, in order."""
    chapters, room = [], WORDS_MAX
    for lesson in lessons:
        chapter, room = lesson.chapter_within(room)
        chapters.append(chapter)
    return Letters(HELD, chapters)
