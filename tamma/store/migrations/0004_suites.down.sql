DROP FUNCTION put_suite(text, text, text, jsonb, text[], text[]);
DROP TABLE benches;
DROP TABLE suites;
DROP TABLE suite_tasks;
DROP TABLE suite_contents;
