DROP FUNCTION change_agent(
    text, bigint, text, integer[], boolean, integer, integer, text, text, text, text, integer, text
);
DROP TABLE agent_versions;
DROP FUNCTION refuse_version_change();
DROP TABLE agents;
