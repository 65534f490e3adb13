"""Imports: records that other systems keep, told to call-events as the facts they stand for.

A format is a module with one function that turns a file into tellings (`bank_1999`, `asterisk_queue_log`); `sending`
tells them to a running call-events and counts what became of them. Reading and telling know nothing of each other.

For commands:

- `bank_1999.import_bank_1999(path, stub, tenant=…, time_zone=…, sending=…)` and
  `asterisk_queue_log.import_asterisk_queue_log(…)` are coroutines that import a file and return an `ImportSummary`;
- `stub` is a `CallEventsServiceStub` on a `grpc.aio` channel that adds the caller's token; `tenant` is that token's,
  because ids of contacts are made of it (`contact_life.identity`);
- `sending=Sending(on_progress=…, resume_folder=…)` says whom to tell a `Progress` a few times a second, and in which
  folder an interrupted import leaves how far it was acknowledged;
- everything that can go wrong is an `ImportFailed` (`errors`) whose text says what to do.
"""
