import pytest
from pydantic import ValidationError

from fckd.config.corpus import CorpusSettings


@pytest.mark.parametrize(
    ("source", "protocol", "possible"),
    [
        ("utd-mhad", "cross-view", "cross-subject"),
        ("n-ucla", "cross-subject", "cross-view"),
        ("ntu60", "split-1", "cross-subject, cross-view"),
        ("hmdb51", "own", "split-1, split-2, split-3"),
        ("table", "split-1", "own"),
    ],
)
def test_a_protocol_of_another_source_is_refused_with_what_is_possible(source, protocol, possible):
    with pytest.raises(ValidationError, match=f"has no protocol {protocol}: one of {possible}"):
        CorpusSettings(source=source, protocol=protocol, validation_share=0.1)


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"validation_subjects": [1], "validation_share": 0.1},
        {"validation_cameras": [1], "validation_subjects": [1]},
    ],
)
def test_exactly_one_rule_says_who_validates(rules):
    with pytest.raises(ValidationError, match="exactly one of validation_subjects"):
        CorpusSettings(source="ntu60", **rules)


@pytest.mark.parametrize("share", [0, 1, -0.5, "half"])
def test_a_share_of_nothing_or_of_all_is_refused(share):
    with pytest.raises(ValidationError, match="validation_share"):
        CorpusSettings(source="ntu60", validation_share=share)


@pytest.mark.parametrize("given", [{"source": "table"}, {"source": "ntu60", "table": "own.csv"}])
def test_a_table_and_its_source_go_together(given):
    with pytest.raises(ValidationError, match="go together"):
        CorpusSettings(validation_share=0.1, **given)
