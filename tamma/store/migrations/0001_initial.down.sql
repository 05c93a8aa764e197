DROP FUNCTION append_events(text[], bigint, text[], text[]);
DROP TABLE events;
DROP FUNCTION refuse_event_change();
DROP TABLE blobs;
DROP FUNCTION append_entries(
    text, integer, bigint, integer[], text[], text[], text[], text[], text[], bigint[], bigint[], bigint[],
    numeric[], text[], bigint[], timestamptz[]
);
DROP FUNCTION acquire_lease(text, integer);
DROP FUNCTION lock_transcript(text);
DROP TABLE leases;
DROP TABLE entries;
