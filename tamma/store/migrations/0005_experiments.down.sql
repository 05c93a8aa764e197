DROP FUNCTION draw_live(text, text, text, integer, text[], integer);
DROP TABLE analyses;
DROP TABLE ab_looks;
DROP TABLE ab_assignments;
DROP TABLE ab_tests;
DROP FUNCTION refuse_plan_change();
DROP FUNCTION refuse_assignment_change();
