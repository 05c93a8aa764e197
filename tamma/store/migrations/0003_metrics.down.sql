DROP FUNCTION record_run(jsonb, jsonb);
DROP TABLE step_metrics;
DROP TABLE run_metrics;
