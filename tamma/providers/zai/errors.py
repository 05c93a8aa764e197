"""z.ai's business codes: they stand inside the body, whatever the HTTP status (a 429 says nothing by itself).

Source: docs.z.ai, "Errors", 2026-11. 1261 and 1312-1317 are newer than that table: seen from its services.
"""

from __future__ import annotations

from collections.abc import Mapping

from tamma.errors import (
    AuthFailed,
    ContentFiltered,
    ContextOverflow,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    QuotaExhausted,
    RateLimited,
)

GROUPS: Mapping[type[ProviderError], tuple[int, ...]] = {
    AuthFailed: (
        *range(1000, 1005),  # no token, wrong, expired
        1110, 1111, 1112, 1121,  # the account is inactive, missing, locked
        1220,  # no permission for this interface
        1311,  # the plan does not include the model
        1313,  # held back under the fair-use policy: a person has to speak with z.ai
    ),
    QuotaExhausted: (
        1113,  # in arrears
        1304,  # calls of a day
        1308,  # of the plan's window of hours
        1309,  # the plan has expired
        1310, 1316, 1317,  # of a week or month
    ),
    RateLimited: (1302, 1303),  # too many at once, too often
    Overloaded: (
        500,
        1120,  # the account cannot be read just now
        1200, 1230, 1234,  # the call failed inside
        1305, 1312,  # the service, the model is busy
    ),
    ModelNotFound: (1211, 1221, 1222),
    InvalidRequest: (1210, 1212, 1213, 1214, 1215, 1231),
    ContextOverflow: (1261,),
    ContentFiltered: (1300, 1301),
}  # fmt: skip
ERRORS: Mapping[str, type[ProviderError]] = {
    str(code): kind for kind, codes in GROUPS.items() for code in codes
}
