"""A list of packs whose disk may be dead."""

import threading

from server.music.packs.pack_list import PackList


def test_each_question_finds_what_is_there_now() -> None:
    packs = ["songbook"]
    pack_list = PackList(lambda: packs)
    assert pack_list.names() == ("songbook",)
    packs.append("rock")
    assert pack_list.names() == ("songbook", "rock")


def test_while_the_disk_does_not_answer_the_names_found_last_count_and_it_is_asked_once() -> None:
    answers, asked = threading.Event(), list[int]()

    def find_names() -> list[str]:
        asked.append(len(asked))
        if len(asked) > 1:
            answers.wait()
        return ["songbook", "rock"][: len(asked)]

    pack_list = PackList(find_names)
    assert pack_list.names() == ("songbook",)
    for _ in range(3):
        assert pack_list.names() == ("songbook",)
    assert len(asked) == 2
    looking = pack_list._looking
    answers.set()
    assert looking is not None
    looking.join()
    assert pack_list._found == ("songbook", "rock")
