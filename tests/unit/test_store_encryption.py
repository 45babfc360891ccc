"""Keys and ciphertexts."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.errors import ConfigError, Permanent, Tampered
from mailbot.store.encryption import (
    Indexes,
    MasterKey,
    derive,
    load_master_key,
    new_key,
    new_master_key,
    seal,
    unseal,
)

KEY = bytes(range(200, 232))


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        base64.b64encode(KEY).decode(),
        base64.b64encode(KEY).decode().rstrip("="),
        base64.urlsafe_b64encode(KEY).decode(),
        f"  {base64.b64encode(KEY).decode()}\n",
    ],
)
def test_a_master_key_is_base64_or_hex(text):
    assert load_master_key(text) == KEY


@pytest.mark.parametrize(
    "text",
    ["", "secret", KEY.hex()[:-2], KEY.hex() + "00", base64.b64encode(KEY[:31]).decode(), "æ" * 32],
)
def test_anything_else_is_refused_in_one_sentence_without_being_quoted(text):
    with pytest.raises(ConfigError) as told:
        load_master_key(text)
    assert "\n" not in str(told.value)
    assert not text or text not in str(told.value)


def test_a_new_master_key_can_be_loaded_and_is_new():
    assert len(load_master_key(new_master_key())) == 32
    assert new_master_key() != new_master_key()


@given(st.binary(max_size=200), st.lists(st.text(max_size=10), min_size=1, max_size=3))
def test_what_is_sealed_opens_in_its_place_only(plain, place):
    sealed = seal(KEY, plain, *place)
    assert unseal(KEY, sealed, *place) == plain
    assert sealed != seal(KEY, plain, *place)
    for other in ([*place, ""], ["x", *place], ["".join(place) + "x"]):
        with pytest.raises(Tampered):
            unseal(KEY, sealed, *other)


@given(st.binary(min_size=1, max_size=50), st.data())
def test_one_changed_bit_anywhere_is_found(plain, data):
    sealed = bytearray(seal(KEY, plain, "document"))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(Tampered):
        unseal(KEY, bytes(sealed), "document")


@pytest.mark.parametrize("length", [0, 1, 5, 13, 20])
def test_a_cut_ciphertext_is_tampered_with(length):
    with pytest.raises(Tampered):
        unseal(KEY, seal(KEY, b"x", "document")[:length], "document")


def test_another_key_opens_nothing():
    with pytest.raises(Tampered):
        unseal(new_key(), seal(KEY, b"x", "document"), "document")


def test_a_wrapped_key_opens_under_its_id_and_generation_only():
    master = MasterKey(KEY)
    wrapped = master.wrap("case:1", b"k" * 32)
    assert master.unwrap("case:1", wrapped) == b"k" * 32
    assert wrapped[0] == 1
    with pytest.raises(Tampered):
        master.unwrap("case:2", wrapped)
    with pytest.raises(Permanent):
        MasterKey(KEY, generation=2).unwrap("case:1", wrapped)
    with pytest.raises(Tampered):
        MasterKey(KEY, generation=2).unwrap("case:1", b"\x02" + wrapped[1:])


def test_the_check_value_tells_keys_apart_and_is_no_key():
    assert MasterKey(KEY).matches(MasterKey(KEY).check)
    assert not MasterKey(KEY).matches(MasterKey(new_key()).check)
    assert bytes.fromhex(MasterKey(KEY).check) not in derive(KEY, "wrap")
    with pytest.raises(ConfigError):
        MasterKey(b"short")


def test_each_purpose_has_a_key_of_its_own():
    indexes = Indexes(KEY)
    same = "a@example.org"
    found = {indexes.message(same), indexes.approver(same), indexes.subject("", same)}
    assert len(found) == 3
    assert indexes.message(same) != Indexes(new_key()).message(same)


def test_indexes_know_what_is_the_same():
    indexes = Indexes(KEY)
    assert indexes.subject("s", "Kåre@X.no ") == indexes.subject("s", "ka\u030are@x.NO")
    assert indexes.subject("s", "a@x.no") != indexes.subject("t", "a@x.no")
    assert indexes.message("<a@x>") == indexes.message(" a@x")
    assert indexes.mail("a", b"b") != indexes.mail("a", b"c")
    # The border between the parts counts.
    assert indexes.subject("a\0", "b") != indexes.subject("a", "\0b")
    assert -(2**63) <= indexes.claim("case:1") < 2**63
