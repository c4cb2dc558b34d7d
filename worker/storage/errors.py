"""What can go wrong on disks and in stores. Each message is one plain sentence with the remedy.

StorageError
├── JournalUnwritable    a journal cannot be begun
├── JournalMissing       no journal there: finalised by another, or never written
├── JournalInUse         its job lives, or another process is finalising it
├── SessionRemoved       a tombstone covers what is to be stored
├── SessionInUse         other parts of it are being stored, and that takes too long
├── JournalUnreadable    its disk does not give it, or its directory
│   └── JournalNotTrusted    nothing in it can be taken as written, or a newer version wrote it
├── StoredDiffers        the store holds other lines of the same part, or does not vouch for what was stored
├── LeaseNotTrusted      what is among the leases is none, or not of the part that it names
├── RoomsUnknown         nobody can say now whether an agent is in its room
├── TranscriptDamaged    what is stored of a session cannot be read as a transcript
├── TranscriptUnknown    nothing here has the name that was asked for, or too much has
├── ExportRefused        an export would replace a file that has another content
├── StorageUnsupported   a storage address of a kind that is not known
└── StorageUnwritable    the store cannot put, get, list or delete
    ├── StorageUnavailable   it is away, slow, full or failing: the same may work later
    └── StorageRefused       it does not want to: a person has to do something about the settings or the rights
"""

from __future__ import annotations


class StorageError(Exception):
    """Common to everything that disks and stores do wrong."""


class JournalUnwritable(StorageError):
    """A journal cannot be begun."""


class JournalMissing(StorageError):
    """There is no such journal: another process finalised it, or it never was."""


class JournalInUse(StorageError):
    """The journal's job lives, or another process is finalising it."""


class SessionRemoved(StorageError):
    """A tombstone covers all that is to be stored."""


class SessionInUse(StorageError):
    """Other parts of the session are being stored on this node, for longer than one can wait."""


class JournalUnreadable(StorageError):
    """A journal, or the directory that it is in, cannot be read."""


class JournalNotTrusted(JournalUnreadable):
    """Nothing in the journal can be taken as written, or a newer version wrote it. It is left as it is."""


class StoredDiffers(StorageError):
    """The store holds other lines of a part than its journal, or fewer than were stored. The journal stays."""


class LeaseNotTrusted(StorageError):
    """What is among the leases is no lease, or not that of the part that it names. It is left as it is."""


class RoomsUnknown(StorageError):
    """Nobody can say now whether an agent is in its room."""


class TranscriptDamaged(StorageError):
    """What is stored of a session, or left of it on this node, cannot be read as a transcript."""


class TranscriptUnknown(StorageError):
    """Nothing here has the name that was asked for, or more than one session has."""


class ExportRefused(StorageError):
    """A file that is to be exported is there already, with another content."""


class StorageUnsupported(StorageError):
    """No store is known for this address."""


class StorageUnwritable(StorageError):
    """The store cannot be used as it must be."""


class StorageUnavailable(StorageUnwritable):
    """The store is away, slow, full or failing. The same may work later, without anybody doing anything here."""


class StorageRefused(StorageUnwritable):
    """The store answers and refuses: wrong key, no such bucket, a right that is missing, a clock that is wrong."""
