"""What procedures may ask of approved answers, in the words of the procedure language. The worker answers it, not the shop."""

from collections.abc import Mapping

from caseworker.commerce.ports import Operation, Parameter

FIND = "knowledge.find"

OPERATIONS: Mapping[str, Operation] = {
    FIND: Operation(
        name=FIND,
        kind="read",
        parameters=(
            Parameter("question", "string"),
            Parameter("language", "string", required=False),
            Parameter("intent", "string", required=False),
        ),
        returns="list[answer]",
        doc="Approved answers to a question, surest first; none where no answer is sure enough. `language` is the customer's; "
        "`intent` leaves out answers that are not meant for it.",
    )
}

RECORDS: Mapping[str, Mapping[str, str]] = {
    "answer": {
        "id": "string",
        "text": "string",
        "language": "string",
        "score": "double",
        "covers_all": "bool",
        "source": "string",
        "owner": "string",
        "review_by": "time",
    }
}
