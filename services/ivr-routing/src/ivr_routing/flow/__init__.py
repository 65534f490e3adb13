"""IVR flows: documents checked before anybody meets them, walked without I/O. No clock, dice, wire or disk.

- `document`: the form of a flow, declared once; `schema`: the same as JSON Schema
- `source_text`, `forming`, `checking`, `checks`, `graph`: from text to a checked document, or to every problem at once
- `expression`, `fields`: conditions in CEL over an allow-list of fields
- `business_hours`, `reading_hours`: when a place is open
- `flow`: `load` and `lint`, the ways in
- `step`, `state`, `walk`: a caller's walk: what goes in, what comes out, what is kept between steps
- `words`: prompts in a caller's language
- `telling`: what a walk tells, as events of call-events; the only module here that knows protobuf
- `publishing`: draft, published, effective, withdrawn
- `problem`: what can be wrong, and the errors
"""
