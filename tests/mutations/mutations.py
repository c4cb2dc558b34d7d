"""The ways in which the product is broken on purpose, each with the tests that must notice."""

from tests.mutations.mutation import Edit, Mutation

MUTATIONS = (
    Mutation(
        "the journal is not synced",
        [Edit("worker/storage/journal_file.py", "        self._disk.sync(self._descriptor)\n", "")],
        ["tests/storage/test_journal.py"],
    ),
    Mutation(
        "a sync does not reach the system",
        [Edit("worker/storage/disk.py", "            os.fdatasync(descriptor)\n", "            pass\n")],
        ["tests/faults/test_order_of_system_calls.py::test_what_is_accepted_was_synced_by_the_system_itself"],
    ),
    Mutation(
        "an append resolves early",
        [
            Edit(
                "worker/storage/journal.py",
                "        self._files.write(line)\n",
                "        self._files.write(line)\n        _answer(waiting, durable=True)\n",
            )
        ],
        ["tests/storage/test_journal.py"],
    ),
    Mutation(
        "the LLM does not wait for the journal",
        [Edit("worker/speech/llm.py", "        await self._recorder.settled()\n", "")],
        ["tests/speech/test_llm.py"],
    ),
    Mutation(
        "the TTS does not wait for the journal",
        [
            Edit(
                "worker/speech/tts.py",
                "        await self._recorder.append(AgentSentence(",
                "        self._recorder.append(AgentSentence(",
            )
        ],
        ["tests/speech/test_tts.py"],
    ),
    Mutation(
        "a final reaches the session before the journal has it",
        [Edit("worker/speech/assemblyai.py", "            await self._recorder.settled()\n", "            pass\n")],
        ["tests/speech/test_assemblyai.py"],
    ),
    Mutation(
        "a grace that is too short is taken",
        [Edit("config/grace.py", "    if given is None or given >= wanted:\n", "    if given is None or given > 0:\n")],
        ["tests/config/test_contradictions.py"],
    ),
    Mutation(
        "transcripts are left on a disk that goes with its container",
        [Edit("config/requirements.py", "    if ON_LIVEKIT_CLOUD not in variables or ", "    if True or ")],
        ["tests/config/test_requirements.py"],
    ),
    Mutation(
        "the name of a journal is not synced",
        [
            Edit(
                "worker/storage/journal_file.py",
                "                    disk.sync_directory(path.parent)\n",
                "",
            )
        ],
        ["tests/storage/test_journal.py"],
    ),
    Mutation(
        "the name of a stored file is not synced",
        [
            Edit(
                "worker/storage/disk.py",
                "            raise\n        self.sync_directory(path.parent)\n",
                "            raise\n",
            )
        ],
        ["tests/storage/test_disk.py"],
    ),
    Mutation(
        "the last interim words are dropped",
        [
            Edit(
                "worker/speech/turn_frames.py",
                "        self._interims.cancel()\n        self._write_interim()\n",
                "        self._interims.cancel()\n",
            )
        ],
        ["tests/speech/test_turn_frames.py"],
    ),
    Mutation(
        "a journal goes before the store has confirmed",
        [
            Edit(
                "worker/storage/finalise.py",
                "            told = [each for each in local if each.lines.reading.records]\n",
                "            told = [each for each in local if each.lines.reading.records]\n"
                "            for journal in local:\n"
                "                await asyncio.to_thread(remove, journal.path, disk)\n",
            )
        ],
        ["tests/storage/test_finalise.py"],
    ),
    Mutation(
        "a journal goes although the manifest does not vouch for it",
        [
            Edit(
                "worker/storage/finalise.py",
                "                await _vouched(merged, told, store, stored.prefix)\n",
                "",
            )
        ],
        ["tests/storage/test_parts_at_once.py"],
    ),
    Mutation(
        "what a dead job left is not finalised",
        [Edit("worker/storage/recovery.py", "        elif dead:\n", "        elif dead and False:\n")],
        ["tests/storage/test_recovery.py"],
    ),
    Mutation(
        "a doubled final is kept twice",
        [
            Edit(
                "worker/transcript/user_turns.py",
                "    if known is not None:\n",
                "    if known is not None and False:\n",
            )
        ],
        ["tests/transcript/test_user_turns.py"],
    ),
    Mutation(
        "no successor is opened when the disk fails",
        [
            Edit(
                "worker/storage/succession.py",
                "        if self._attempt is not None:\n            return\n        self._number += 1\n",
                "        if self._number == 0:\n            return\n        self._number += 1\n",
            )
        ],
        ["tests/storage/test_journal_failures.py"],
    ),
    Mutation(
        "time that is not durable is not marked",
        [Edit("worker/storage/journal.py", "        self.append(self._trouble.gap(to_ms=None))\n", "")],
        ["tests/storage/test_journal_failures.py"],
    ),
    Mutation(
        "a torn tail is kept",
        [
            Edit(
                "worker/transcript/line.py",
                '        raise LineTorn(f"{len(line)} bytes and no line feed")\n',
                '        line = line.rpartition(b"}")[0] + b"}\\n"\n',
            )
        ],
        ["tests/transcript/test_line.py"],
    ),
    Mutation(
        "the chain is not checked",
        [Edit("worker/transcript/line.py", "    if h != actual:\n", "    if h != actual and False:\n")],
        ["tests/transcript/test_line.py", "tests/transcript/test_reading.py"],
    ),
    Mutation(
        "the lock of a journal is not held",
        [
            Edit(
                "worker/storage/lock.py",
                "    flock(descriptor, LOCK_EX)\n    return _is_at(descriptor, path)\n",
                "    return _is_at(descriptor, path)\n",
            )
        ],
        ["tests/storage/test_journal.py"],
    ),
    Mutation(
        "a segment is shipped twice",
        [
            Edit(
                "worker/storage/shipping.py",
                "        if put is self._unconfirmed:\n            self._unconfirmed = None\n",
                "",
            )
        ],
        ["tests/storage/test_shipping.py"],
    ),
    Mutation(
        "segments are shipped before the lease",
        [Edit("worker/storage/shipping.py", "        await self._leased.wait()\n", "")],
        ["tests/storage/test_shipping.py"],
    ),
    Mutation(
        "a transcript is stored beside a segment that is on its way",
        [Edit("worker/session/call.py", "            await self._shipper.stop()\n", "            pass\n")],
        ["tests/session/test_call_in_a_bucket.py"],
    ),
    Mutation(
        "a lease outlives its part",
        [Edit("worker/storage/finalise.py", "store.delete(names.lease(journal.path))", "store.get(names.MANIFEST)")],
        ["tests/storage/test_shipping.py"],
    ),
    Mutation(
        "a store that is away is tried for every session",
        [Edit("worker/storage/recovery.py", "        if away:\n", "        if away and False:\n")],
        ["tests/storage/test_recovery.py"],
    ),
    Mutation(
        "a spool that is full takes more calls",
        [Edit("worker/storage/spool.py", "return self.size >= self.max_size > 0", "return False")],
        ["tests/storage/test_keeper.py"],
    ),
)
