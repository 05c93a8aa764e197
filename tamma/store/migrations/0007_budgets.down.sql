DROP FUNCTION reserve_spending(text, text, text, text, text, numeric, numeric, timestamptz, text, numeric);
DROP FUNCTION settle_spending(text, text, numeric, timestamptz);
DROP FUNCTION limits_standing(text, timestamptz);
DROP FUNCTION lock_spending();
DROP TABLE spent_by_day;
DROP TABLE reservations;
DROP TABLE spend_limits;
