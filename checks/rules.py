"""The words of every rule a row can fall under: what it is, what to do, whose it is to mend, how grave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Owner = Literal["source", "mapping", "target"]
Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Rule:
    """`title` is a sentence about the row, `remedy` one that says what to do; `owner` is where it is mended."""

    name: str
    title: str
    remedy: str
    owner: Owner
    severity: Severity


def _rule(name: str, severity: Severity, owner: Owner, title: str, remedy: str) -> tuple[str, Rule]:
    return name, Rule(name, title, remedy, owner, severity)


RULES: dict[str, Rule] = dict(
    [
        # skips, in the order of the entities
        _rule(
            "nameless",
            "info",
            "source",
            "A record Rock made for an unknown phone number.",
            "Nothing; match it to a person in Rock if you know who it is.",
        ),
        _rule("rest_user", "info", "source", "An account for programs, not a person.", "Nothing."),
        _rule(
            "record_type",
            "warning",
            "source",
            "The record type is neither person nor business.",
            "Set the record type in Rock if this is a person or a business.",
        ),
        _rule("system_person", "info", "source", "One of the persons that ship with Rock.", "Nothing."),
        _rule(
            "no_campus",
            "info",
            "source",
            "The record has no campus, and the job is limited to some.",
            "Set the campus in Rock, or run the job without a campus filter.",
        ),
        _rule(
            "other_campus",
            "info",
            "source",
            "The record belongs to a campus outside the job.",
            "Nothing, or add the campus to the job.",
        ),
        _rule(
            "archived",
            "info",
            "source",
            "The group or family is archived in Rock.",
            "Nothing; bring it back in Rock if it should be moved.",
        ),
        _rule(
            "group_type",
            "info",
            "source",
            "The group's type is not part of the import.",
            "Nothing, or include the group type in the job.",
        ),
        _rule("security_role", "info", "source", "The group grants permissions in Rock.", "Nothing."),
        _rule("inactive", "info", "source", "The group is closed.", "Nothing; open it in Rock if it should be moved."),
        _rule(
            "transaction_type",
            "info",
            "source",
            "A payment that is no contribution, such as an event registration.",
            "Nothing.",
        ),
        _rule(
            "queued",
            "info",
            "source",
            "A gift waiting to be processed.",
            "Nothing; a later run moves it once Rock has processed it.",
        ),
        _rule(
            "no_date",
            "warning",
            "source",
            "A contribution without a date.",
            "Give the transaction its date in Rock and run again.",
        ),
        _rule(
            "outside_date_range",
            "info",
            "source",
            "The date lies before the start of the job's range.",
            "Nothing, or choose an earlier start.",
        ),
        _rule("did_not_attend", "info", "source", "An invitation, schedule or absence, not an attendance.", "Nothing."),
        _rule(
            "no_person",
            "info",
            "source",
            "An attendance that names nobody.",
            "Nothing; name the person in Rock if you know who it was.",
        ),
        _rule(
            "person_not_migrated",
            "warning",
            "source",
            "The attendance names a record that is not moved.",
            "Nothing, or correct the record type of the person in Rock.",
        ),
        _rule(
            "duplicate",
            "info",
            "source",
            "The same person is recorded again in the same occurrence.",
            "Nothing; the first record is moved.",
        ),
        # structure of a frame
        _rule(
            "missing_value", "error", "source", "A required value is missing.", "Fill the value in Rock and run again."
        ),
        _rule(
            "duplicate_id",
            "error",
            "source",
            "The same record came twice.",
            "Run again; if it stays, send the support bundle.",
        ),
        _rule(
            "text_length",
            "error",
            "source",
            "A text is empty or longer than Mission takes.",
            "Fill or shorten it in Rock and run again.",
        ),
        _rule(
            "phone_malformed",
            "error",
            "mapping",
            "The phone number has no form Mission understands.",
            "Send the support bundle.",
        ),
        _rule(
            "count_out_of_range",
            "error",
            "source",
            "The prayer count is larger than any count can be.",
            "Correct the count in Rock.",
        ),
        _rule(
            "amount_malformed",
            "error",
            "mapping",
            "The amount has no form Mission understands.",
            "Send the support bundle.",
        ),
        _rule(
            "record_type_unknown",
            "error",
            "mapping",
            "The record type is not one Mission knows.",
            "Send the support bundle.",
        ),
        _rule(
            "status_unknown", "error", "mapping", "The status is not one Mission knows.", "Correct the job's value map."
        ),
        _rule(
            "payment_method_unknown",
            "error",
            "mapping",
            "The payment method is not one Mission knows.",
            "Correct the job's value map.",
        ),
        _rule(
            "visibility_unknown",
            "error",
            "mapping",
            "The visibility is not one Mission knows.",
            "Send the support bundle.",
        ),
        _rule(
            "unknown_gender", "warning", "source", "The gender code is none of Rock's.", "Correct the person in Rock."
        ),
        # people
        _rule(
            "name_missing",
            "warning",
            "source",
            "First and last name are both empty; the record is moved as Unknown.",
            "Name the person in Rock, or mark the record as what it is.",
        ),
        _rule(
            "invalid_email",
            "warning",
            "source",
            "The e-mail address is malformed; the person is moved without it.",
            "Correct the address in Rock.",
        ),
        _rule(
            "inactive_email",
            "info",
            "source",
            "The e-mail address is switched off; the person is moved without it.",
            "Nothing, or activate the address in Rock.",
        ),
        _rule(
            "duplicate_email",
            "info",
            "source",
            "Several people share one e-mail address.",
            "Nothing, if they are a family; else merge the duplicates in Rock.",
        ),
        _rule(
            "malformed_phone",
            "warning",
            "source",
            "The phone number has fewer than seven digits.",
            "Complete the number in Rock.",
        ),
        _rule(
            "partial_birth_date",
            "info",
            "source",
            "Part of the birth date is missing; the person is moved without one.",
            "Complete the date in Rock if you know it.",
        ),
        _rule(
            "impossible_birth_date",
            "warning",
            "source",
            "The calendar has no such birth date; the person is moved without one.",
            "Correct the date in Rock.",
        ),
        _rule(
            "family_not_loaded",
            "warning",
            "source",
            "The person's primary family is not moved.",
            "Bring the family back in Rock, or widen the campus filter.",
        ),
        # families and groups
        _rule(
            "family_without_members",
            "info",
            "source",
            "The family has no members that are moved.",
            "Nothing, or remove the empty family in Rock.",
        ),
        _rule(
            "family_without_address",
            "info",
            "source",
            "The family has no current address.",
            "Add the address in Rock if you know it.",
        ),
        _rule(
            "member_not_loaded",
            "info",
            "source",
            "A member is not moved and was left off.",
            "Nothing, or widen the campus filter.",
        ),
        _rule(
            "parent_not_loaded",
            "info",
            "source",
            "The parent group is not moved; the group becomes a top one.",
            "Nothing, or include the parent.",
        ),
        _rule(
            "parent_cycle",
            "warning",
            "source",
            "The group is its own ancestor; the circle is cut here.",
            "Correct the parent group in Rock.",
        ),
        # contributions
        _rule(
            "donor_missing",
            "info",
            "source",
            "The gift names nobody; it is moved without a donor.",
            "Match the gift in Rock if you know the giver.",
        ),
        _rule(
            "donor_not_migrated",
            "warning",
            "source",
            "The giver's record is not moved; the gift is moved without a donor.",
            "Correct the giver's record type in Rock and run again.",
        ),
        _rule(
            "donor_unknown",
            "warning",
            "source",
            "The giver's record does not exist; the gift is moved without a donor.",
            "Match the gift in Rock.",
        ),
        _rule(
            "gift_without_fund",
            "error",
            "source",
            "The gift names a fund that does not exist; Mission will refuse it.",
            "Post the gift to an account that exists in Rock and run again.",
        ),
        _rule("refund", "info", "source", "A refund; moved and flagged.", "Nothing."),
        _rule(
            "refund_without_original",
            "info",
            "source",
            "A refund that does not say what it refunds.",
            "Nothing, or link it in Rock.",
        ),
        _rule(
            "non_positive_amount",
            "warning",
            "source",
            "The amount is zero or negative without being a refund; moved and flagged.",
            "See whether it is a correction that belongs there.",
        ),
        _rule(
            "own_currency_type",
            "info",
            "mapping",
            "The tender is the church's own; moved as Other.",
            "Map it in the job's value maps if another method fits.",
        ),
        _rule(
            "undated_gift",
            "warning",
            "source",
            "A contribution without a date is left out.",
            "Give the transaction its date in Rock and run again.",
        ),
        # attendance and prayer
        _rule(
            "group_not_loaded",
            "info",
            "source",
            "The group is not moved; the attendance is moved without it.",
            "Nothing, or include the group.",
        ),
        _rule(
            "cancelled_but_attended",
            "info",
            "source",
            "The meeting is marked as cancelled although people came.",
            "Nothing.",
        ),
        _rule(
            "requester_not_migrated",
            "info",
            "source",
            "The requester's record is not moved; the request is moved without it.",
            "Nothing.",
        ),
        _rule("empty_request", "warning", "source", "The request has no text.", "Remove it in Rock, or add the text."),
    ]
)
"""Rule name -> its words. Skip rules, findings of the mapping and contract failures all stand here."""
