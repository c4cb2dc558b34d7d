"""The ways in which the product is broken on purpose, each with the tests that must notice."""

from tests.mutations.mutation import Edit, Mutation

MUTATIONS = (
    Mutation(
        "who takes over greets while another agent speaks",
        [Edit("worker/session/handover/relay.py", "            senses.unheard.nobody_listens()\n", "")],
        ["tests/session/handover/test_relay.py"],
    ),
    Mutation(
        "who takes over never speaks where nothing can be remembered",
        [
            Edit(
                "worker/session/handover/relay.py",
                "        except Exception as error:  # an agent",
                "        except KeyError as error:  # an agent",
            )
        ],
        ["tests/session/handover/test_relay.py"],
    ),
    Mutation(
        "who takes over on another node does not know the last words",
        [
            Edit(
                "worker/session/handover/relay.py",
                "            await asyncio.wait({publishing}, timeout=AWAY_SECONDS)\n",
                "            pass\n",
            )
        ],
        ["tests/session/handover/test_relay.py"],
    ),
    Mutation(
        "what is written while a call changes hands is answered twice",
        [Edit("worker/session/handover/handing_over.py", "        self._chat.end()\n", "")],
        ["tests/session/handover/test_handing_over.py"],
    ),
    Mutation(
        "an agent leaves before the next one is ready",
        [
            Edit(
                "worker/session/handover/handing_over.py",
                "            while not self._is_ready:\n",
                "            while False:\n",
            )
        ],
        ["tests/session/handover/test_handing_over.py"],
    ),
    Mutation(
        "a hand-over cuts off whoever speaks",
        [Edit("worker/session/handover/handing_over.py", "        await self._pause()\n", "")],
        ["tests/session/handover/test_handing_over.py"],
    ),
    Mutation(
        "two agents listen at once",
        [Edit("worker/session/handover/handing_over.py", "        self._session.input.set_audio_enabled(False)\n", "")],
        ["tests/session/handover/test_handing_over.py"],
    ),
    Mutation(
        "the old agent speaks on",
        [Edit("worker/session/handover/handing_over.py", "        self._unheard.nobody_listens()\n", "")],
        ["tests/session/handover/test_handing_over.py"],
    ),
    Mutation(
        "anybody in the room can make an agent speak",
        [
            Edit(
                "worker/session/handover/taking_over.py",
                "        if call.caller_identity != self._predecessor:\n",
                "        if not call.caller_identity:\n",
            )
        ],
        ["tests/session/handover/test_taking_over.py"],
    ),
    Mutation(
        "who takes over recognises what another agent still hears",
        [
            Edit(
                "worker/speech/assemblyai/stream.py",
                "            while not (self._owner.listens or self._ended):\n",
                "            self._owner.listens = True\n            while not (self._owner.listens or self._ended):\n",
            )
        ],
        ["tests/speech/assemblyai/test_holding.py"],
    ),
    Mutation(
        "who takes over recognises again what the other agent heard",
        [Edit("worker/speech/assemblyai/stream.py", "        self._backlog.forget(since)\n", "")],
        ["tests/speech/assemblyai/test_holding.py"],
    ),
    Mutation(
        "calls that outlast the drain are not told",
        [
            Edit(
                "worker/app.py",
                "            if not over and await self._hand_over():\n",
                "            if not over and not await asyncio.sleep(0):\n",
            )
        ],
        ["tests/test_app.py"],
    ),
    Mutation(
        "the port is kept until the last call has ended",
        [Edit("worker/fleet/health.py", "            await self._public.stop()\n", "")],
        ["tests/fleet/test_health.py"],
    ),
    Mutation(
        "the journal is not synced",
        [Edit("worker/storage/journal/file.py", "        self._disk.sync(self._descriptor)\n", "")],
        ["tests/storage/journal/test_journal.py"],
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
                "worker/storage/journal/journal.py",
                "        self._files.write(line)\n",
                "        self._files.write(line)\n        _answer(waiting, durable=True)\n",
            )
        ],
        ["tests/storage/journal/test_journal.py"],
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
        [
            Edit(
                "worker/speech/assemblyai/stream.py",
                "            await self._recorder.settled()\n",
                "            pass\n",
            )
        ],
        ["tests/speech/assemblyai/test_stream.py"],
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
                "worker/storage/journal/file.py",
                "                    disk.sync_directory(path.parent)\n",
                "",
            )
        ],
        ["tests/storage/journal/test_journal.py"],
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
                "worker/speech/assemblyai/turn_frames.py",
                "        self._interims.cancel()\n        self._write_interim()\n",
                "        self._interims.cancel()\n",
            )
        ],
        ["tests/speech/assemblyai/test_turn_frames.py"],
    ),
    Mutation(
        "a journal goes before the store has confirmed",
        [
            Edit(
                "worker/storage/storing/finalise.py",
                "            stored, merged = None, Merged({}, {})\n",
                "            stored, merged = None, Merged({}, {})\n"
                "            for journal in local:\n"
                "                await asyncio.to_thread(remove, journal.path, disk)\n",
            )
        ],
        ["tests/storage/storing/test_finalise.py"],
    ),
    Mutation(
        "a journal goes although the manifest does not vouch for it",
        [
            Edit(
                "worker/storage/storing/finalise.py",
                "                await _vouched(merged, told, store, stored.prefix)\n",
                "",
            )
        ],
        ["tests/storage/storing/test_parts_at_once.py"],
    ),
    Mutation(
        "what a dead job left is not finalised",
        [
            Edit(
                "worker/storage/recovery/sweep.py",
                "        return [*outcomes, *await self._finalised(dead)] if dead else outcomes\n",
                "        return outcomes\n",
            ),
            Edit(
                "worker/storage/recovery/sweep.py",
                "                    return [*outcomes, *await self._finalised(dead)]\n",
                "                    return outcomes\n",
            ),
        ],
        ["tests/storage/recovery/test_recovery.py"],
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
                "worker/storage/journal/succession.py",
                "        if self._attempt is not None:\n            return\n        self._number += 1\n",
                "        if self._number == 0:\n            return\n        self._number += 1\n",
            )
        ],
        ["tests/storage/journal/test_journal_failures.py"],
    ),
    Mutation(
        "time that is not durable is not marked",
        [Edit("worker/storage/journal/journal.py", "        self.append(self._trouble.gap(to_ms=None))\n", "")],
        ["tests/storage/journal/test_journal_failures.py"],
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
                "worker/storage/journal/lock.py",
                "    flock(descriptor, LOCK_EX)\n    return _is_at(descriptor, path)\n",
                "    return _is_at(descriptor, path)\n",
            )
        ],
        ["tests/storage/journal/test_journal.py"],
    ),
    Mutation(
        "a segment is shipped twice",
        [
            Edit(
                "worker/storage/storing/shipping.py",
                "            self._unconfirmed = self._unconfirmed_since = None\n",
                "            self._unconfirmed_since = None\n",
            )
        ],
        ["tests/storage/storing/test_shipping.py"],
    ),
    Mutation(
        "the room is left open after a goodbye",
        [Edit("worker/session/call.py", 'if end.reason in ("goodbye", "error") and', 'if end.reason == "error" and')],
        ["tests/session/test_call.py"],
    ),
    Mutation(
        "what is refused for good is asked for again",
        [
            Edit(
                "worker/session/watching/watchdogs.py",
                "_give_up(found) if found.fatal or too_often else",
                "_give_up(found) if too_often else",
            )
        ],
        ["tests/session/watching/test_watchdogs.py"],
    ),
    Mutation(
        "segments are shipped before the lease",
        [Edit("worker/storage/storing/shipping.py", "        await self._leased.wait()\n", "")],
        ["tests/storage/storing/test_shipping.py"],
    ),
    Mutation(
        "a transcript is stored beside a segment that is on its way",
        [Edit("worker/session/archive.py", "            await self._shipper.stop()\n", "            pass\n")],
        ["tests/session/test_call_in_a_bucket.py"],
    ),
    Mutation(
        "a part that is stored while the next one runs says that it is all",
        [
            Edit(
                "worker/storage/storing/going_on.py",
                '        return "open"\n    if store',
                '        return "final"\n    if store',
            )
        ],
        ["tests/storage/storing/test_going_on.py"],
    ),
    Mutation(
        "a lease outlives its part",
        [
            Edit(
                "worker/storage/storing/finalise.py",
                "store.delete(names.lease(journal.path))",
                "store.get(names.MANIFEST)",
            )
        ],
        ["tests/storage/storing/test_shipping.py"],
    ),
    Mutation(
        "a store that is away is tried for every session",
        [Edit("worker/storage/recovery/sweep.py", "        if self.away:\n", "        if self.away and False:\n")],
        ["tests/storage/recovery/test_recovery.py"],
    ),
    Mutation(
        "a spool that is full takes more calls",
        [Edit("worker/storage/journal/spool.py", "return self.size >= self.max_size > 0", "return False")],
        ["tests/storage/recovery/test_keeper.py"],
    ),
    Mutation(
        "a tombstone is ignored",
        [Edit("worker/storage/storing/tombstone.py", "<= self.covers_to\n", "<= self.covers_to and False\n")],
        ["tests/storage/storing/test_tombstone.py"],
    ),
    Mutation(
        "a session is removed without a tombstone",
        [Edit("worker/storage/sessions/removal.py", "        await store.put(key(prefix), grave.encode())\n", "")],
        ["tests/storage/sessions/test_removal.py"],
    ),
    Mutation(
        "a call that runs on another node is removed",
        [Edit("worker/storage/sessions/removal.py", "now - lease.modified < LEASE_AGE", "False")],
        ["tests/storage/sessions/test_removal.py"],
    ),
    Mutation(
        "retention takes what is not finished",
        [Edit("worker/storage/sessions/retention.py", " or session in unfinished", "")],
        ["tests/storage/sessions/test_retention.py"],
    ),
    Mutation(
        "a part is finished although its lease is renewed",
        [Edit("worker/storage/recovery/other_nodes.py", "since if modified == part.modified else now", "since")],
        ["tests/storage/recovery/test_other_nodes.py"],
    ),
    Mutation(
        "a part is finished although its agent is in the room",
        [
            Edit(
                "worker/storage/recovery/other_nodes.py",
                "            if lease in present:\n",
                "            if False:\n",
            )
        ],
        ["tests/storage/recovery/test_other_nodes.py"],
    ),
    Mutation(
        "a part is finished although its lease was renewed while LiveKit was asked",
        [
            Edit(
                "worker/storage/recovery/other_nodes.py",
                "                if same != [part]:\n",
                "                if False:\n",
            )
        ],
        ["tests/storage/recovery/test_other_nodes.py"],
    ),
    Mutation(
        "a part is finished although LiveKit does not answer",
        [
            Edit(
                "worker/storage/recovery/other_nodes.py",
                "                yield self._waiting(part, str(error))\n            return\n",
                "                pass\n            present = ()\n",
            )
        ],
        ["tests/storage/recovery/test_other_nodes.py"],
    ),
    Mutation(
        "a lease is followed to whatever it names",
        [Edit("worker/storage/recovery/lost_parts.py", "    check_lease(part, lease, lines)\n", "")],
        ["tests/storage/recovery/test_other_nodes.py"],
    ),
    Mutation(
        "a part that was removed is finished from its segments",
        [
            Edit(
                "worker/storage/recovery/lost_parts.py",
                "        if removed is not None and removed.covers(lines):\n",
                "        if False:\n",
            )
        ],
        ["tests/storage/recovery/test_other_nodes.py"],
    ),
    Mutation(
        "a shorter transcript supersedes a longer one that was stored meanwhile",
        [Edit("worker/storage/recovery/lost_parts.py", "if (not unnamed or (", "if (True or (")],
        ["tests/storage/recovery/test_other_nodes.py"],
    ),
    Mutation(
        "what was told once is told otherwise",
        [
            Edit(
                "worker/storage/storing/publishing.py",
                "    if part.events and records[part.events - 1].h != part.head:\n",
                "    if False:\n",
            )
        ],
        ["tests/storage/recovery/test_other_nodes.py"],
    ),
    Mutation(
        "a transcript from segments alone does not say so",
        [
            Edit(
                "worker/storage/storing/publishing.py",
                "    return readings.keys() - read\n",
                "    return set()\n",
            )
        ],
        ["tests/storage/recovery/test_other_nodes.py"],
    ),
    Mutation(
        "a journal goes although its segment was put again by another",
        [
            Edit(
                "worker/storage/storing/finalise.py",
                "    if manifest is None or not store.leaves_the_node:\n",
                "    if True:\n",
            )
        ],
        ["tests/storage/storing/test_finalise.py"],
    ),
    Mutation(
        "OpenAI's key is given to another vendor",
        [Edit("config/derived.py", "return not (value.for_openai and", "return True or (value.for_openai and")],
        ["tests/config/test_vendor_options.py"],
    ),
    Mutation(
        "a word of assent interrupts the agent",
        [
            Edit(
                "worker/session/conversation/dialogue.py",
                "    disregard_assent(session, speech.stt, turns.backchannels)\n",
                "    disregard_assent(session, speech.stt, ())\n",
            )
        ],
        ["tests/session/conversation/test_listening.py"],
    ),
    Mutation(
        "a tool's result is sent without its call",
        [Edit("worker/speech/context.py", "        elif index > open_until and", "        elif index > 0 and")],
        ["tests/speech/test_context.py"],
    ),
    Mutation(
        "a session is left without Terminate",
        [
            Edit(
                "worker/speech/assemblyai/connection.py",
                '            await self.send({"type": "Terminate"})\n',
                "            pass\n",
            )
        ],
        ["tests/speech/assemblyai/test_stream.py"],
    ),
    Mutation(
        "Retry-After is ignored",
        [
            Edit(
                "worker/speech/assemblyai/persistence.py",
                "        if decision.retry_after is not None:\n",
                "        if decision.retry_after is not None and False:\n",
            )
        ],
        ["tests/speech/assemblyai/test_persistence.py"],
    ),
    Mutation(
        "a permanent error is tried again",
        [
            Edit(
                "worker/speech/assemblyai/persistence.py",
                "        if decision.action is Action.GIVE_UP or self._was_in_vain(decision):\n",
                "        if self._was_in_vain(decision):\n",
            )
        ],
        ["tests/speech/assemblyai/test_persistence.py"],
    ),
    Mutation(
        "a recogniser that has given up fails again and again",
        [
            Edit(
                "worker/speech/assemblyai/stream.py",
                "            async for _ in self._input_ch:\n                pass\n            return\n",
                "            raise error_of(self._owner.given_up, retryable=False)\n",
            )
        ],
        ["tests/session/watching/test_supervision.py"],
    ),
    Mutation(
        "what was said while the recogniser was away is dropped",
        [
            Edit(
                "worker/speech/assemblyai/stream.py",
                "        self._backlog.rewind()\n",
                "        self._backlog.rewind()\n        while self._backlog.take():\n            pass\n",
            )
        ],
        ["tests/speech/assemblyai/test_recovery.py"],
    ),
    Mutation(
        "a turn that is heard again is kept twice",
        [
            Edit(
                "worker/speech/assemblyai/turn_frames.py",
                "        self.first_order = min(self._open, default=self._last_order + 1)\n",
                "        self.first_order = self._last_order + 1\n",
            )
        ],
        ["tests/speech/assemblyai/test_recovery.py"],
    ),
    Mutation(
        "the last place is not held while a call is accepted",
        [Edit("worker/fleet/intake.py", "        self._reserved.add(request.id)\n", "")],
        ["tests/fleet/test_intake.py"],
    ),
    Mutation(
        "a refused call is offered to no other worker",
        [Edit("worker/fleet/intake.py", "request.reject(terminate=False)", "request.reject(terminate=True)")],
        ["tests/fleet/test_intake.py"],
    ),
    Mutation(
        "a full worker is still offered calls",
        [Edit("worker/fleet/admission.py", "SERVER_TARGET_LOAD = 0.7001", "SERVER_TARGET_LOAD = 0.7")],
        ["tests/fleet/test_admission.py"],
    ),
    Mutation(
        "a call that goes on is refused when the day's minutes are used up",
        [Edit("worker/fleet/admission.py", "is not None or resumes:", "is not None:")],
        ["tests/fleet/test_admission.py"],
    ),
    Mutation(
        "a second agent is sent while the first is on its way",
        [Edit("worker/fleet/promises.py", "    if since_last < JOINING_S:\n", "    if since_last < 0:\n")],
        ["tests/fleet/test_promises.py"],
    ),
    Mutation(
        "agents that keep dying are sent for ever",
        [
            Edit(
                "worker/fleet/promises.py",
                "    if deaths >= MOST_DEATHS:\n        return Hopeless(deaths)\n    if",
                "    if",
            )
        ],
        ["tests/fleet/test_promises.py"],
    ),
    Mutation(
        "one that comes back does not know whose call it is",
        [Edit("worker/fleet/promises.py", 'update={"resume_of": job}', "update={}")],
        ["tests/fleet/test_promises.py"],
    ),
    Mutation(
        "offers that came to nothing pile up",
        [Edit("worker/fleet/watcher.py", "delete_dispatch(each, room.name)", "list_dispatch(room.name)")],
        ["tests/fleet/test_watcher.py"],
    ),
    Mutation(
        "a room that could not be asked about is forgotten",
        [
            Edit(
                "worker/fleet/watcher.py",
                "        self._unsettled = {room.sid for room in doubtful}\n",
                "        self._unsettled = set()\n",
            )
        ],
        ["tests/fleet/test_watcher.py"],
    ),
    Mutation(
        "an agent is sent again after its goodbye",
        [Edit("worker/session/call.py", '        elif end.reason == "goodbye":\n', "        elif False:\n")],
        ["tests/session/test_call.py"],
    ),
    Mutation(
        "the answer to the last words is spoken to nobody",
        [Edit("worker/session/capturing/unheard.py", "        if self._nobody_listens:\n", "        if False:\n")],
        ["tests/session/capturing/test_unheard.py"],
    ),
    Mutation(
        "the framework waits for the calls of a drain",
        [Edit("worker/app.py", "while self.sessions:", "while False:")],
        ["tests/test_app.py"],
    ),
    Mutation(
        "a worker whose agents keep dying sends them for ever",
        [
            Edit(
                "worker/fleet/promises.py",
                "    if deaths >= MOST_DEATHS:\n        return Hopeless(deaths)\n    return Again(",
                "    return Again(",
            )
        ],
        ["tests/fleet/test_promises.py"],
    ),
    Mutation(
        "two agents are sent for one death",
        [Edit("worker/fleet/promises.py", "        if each.created_s > own.created_s and", "        if False and")],
        ["tests/fleet/test_promises.py"],
    ),
    Mutation(
        "the next agent has to drive out what is left of the dead one",
        [
            Edit(
                "worker/fleet/successors.py", "            await server.room.remove_participant(api", "            (api"
            )
        ],
        ["tests/fleet/test_successors.py"],
    ),
    Mutation(
        "the calls of a worker that was killed are nobody's",
        [
            Edit(
                "worker/fleet/left_calls.py",
                "    return LeftCall(started.job",
                "    return None and LeftCall(started.job",
            )
        ],
        ["tests/fleet/test_successors.py"],
    ),
    Mutation(
        "a tool runs before it is known that it was called",
        [Edit("worker/speech/llm.py", "await self._recorder.begin_tool(", "self._recorder.begin_tool(")],
        ["tests/speech/test_llm.py"],
    ),
    Mutation(
        "a tool without a result is forgotten",
        [
            Edit(
                "worker/session/resuming/memory.py",
                "    if output is None:\n",
                "    if output is None:\n        return []\n    if output is None:\n",
            )
        ],
        ["tests/session/resuming/test_memory.py"],
    ),
    Mutation(
        "a call that is made again has another key",
        [Edit("worker/session/resuming/idempotency.py", "                key = each.key\n", "")],
        ["tests/session/resuming/test_idempotency.py"],
    ),
    Mutation(
        "what was said is told to somebody else",
        [Edit("worker/session/resuming/resumption.py", "identity != memory.caller:", "False:")],
        ["tests/session/resuming/test_before.py"],
    ),
    Mutation(
        "what nobody heard is remembered as said",
        [
            Edit(
                "worker/session/resuming/memory.py", "content=[turn.text],", "content=[turn.text + turn.unplayed_text],"
            )
        ],
        ["tests/session/resuming/test_memory.py"],
    ),
    Mutation(
        "the agent that a call was handed over to is not brought back",
        [Edit("worker/session/resuming/resumption.py", "make_again(settings, memory.agent.made_by)", "first")],
        ["tests/session/resuming/test_resumption.py"],
    ),
    Mutation(
        "a journal from elsewhere has whatever it names imported",
        [
            Edit(
                "worker/session/conversation/agents.py",
                "    if not name or (module not in",
                "    if not name or (False and module not in",
            )
        ],
        ["tests/session/conversation/test_agents.py"],
    ),
    Mutation(
        "a journal that is held is not read",
        [
            Edit(
                "worker/storage/sessions/earlier.py",
                "            if (known := await read(journal))",
                "            from worker.storage.journal.journals import all_held\n\n"
                "            with all_held(journal):\n                pass\n"
                "            if (known := await read(journal))",
            )
        ],
        ["tests/storage/sessions/test_earlier.py"],
    ),
    Mutation(
        "a stored session does not say that its call goes on",
        [Edit("worker/storage/storing/reopening.py", 'update={"state": "open", ', "update={")],
        ["tests/storage/storing/test_reopening.py"],
    ),
    Mutation(
        "what a dead job counted is lost",
        [
            Edit(
                "worker/fleet/exposition.py",
                "            self._dead = _sum([self._dead, _read(path)])\n",
                "            pass\n",
            )
        ],
        ["tests/fleet/test_exposition.py"],
    ),
    Mutation(
        "what a dead job counted is counted at every look",
        [Edit("worker/fleet/exposition.py", "        path.unlink(missing_ok=True)\n", "")],
        ["tests/fleet/test_exposition.py"],
    ),
    Mutation(
        "traces say whatever somebody attached",
        [
            Edit(
                "worker/tracing/content.py",
                "    return name in TEXTS or all(isinstance(each, int | float) for each in values)\n",
                "    return True\n",
            )
        ],
        ["tests/tracing/test_export.py"],
    ),
    Mutation(
        "a call whose end is not on the disk counts twice",
        [
            Edit(
                "worker/session/capturing/counting.py",
                "    if not accepted.cancelled() and accepted.result().durable:\n",
                "    if not accepted.cancelled():\n",
            )
        ],
        ["tests/session/capturing/test_counting.py"],
    ),
)
