"""Secrets that Pulumi encrypted with a passphrase (sdk/go/common/resource/config/crypt.go, pkg/secrets/passphrase).

The key is PBKDF2-SHA256 of the passphrase over the salt; a value is `v1:nonce:ciphertext` in base64, AES-256-GCM. The salt of a stack
carries the word `pulumi` encrypted, which tells whether the passphrase is the right one.
"""

from __future__ import annotations

import binascii
import hashlib
import os
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path

ITERATIONS = 1_000_000
KEY_BYTES = 32
PROOF = "pulumi"


class CannotDecrypt(Exception):
    """The reason, as a clause."""


class Decrypter:
    """Decrypts values of one stack. Raises CannotDecrypt where salt, passphrase or value do not fit together."""

    def __init__(self, salt: str, passphrase: str) -> None:
        version, _, rest = salt.partition(":")
        encoded_salt, _, proof = rest.partition(":")
        if version != "v1" or not proof:
            raise CannotDecrypt("the stack's encryptionsalt is not in a known form")
        self._key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), _decoded(encoded_salt), ITERATIONS, KEY_BYTES)
        try:
            proven = self.decrypt(proof) == PROOF
        except CannotDecrypt:
            proven = False
        if not proven:
            raise CannotDecrypt("the passphrase is not the stack's")

    def decrypt(self, value: str) -> str:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise CannotDecrypt("the package cryptography is not installed") from None
        version, *parts = value.split(":")
        if version != "v1" or len(parts) != 2:
            raise CannotDecrypt("the value is not in the form that a passphrase makes")
        nonce, ciphertext = map(_decoded, parts)
        try:
            return AESGCM(self._key).decrypt(nonce, ciphertext, None).decode()
        except (InvalidTag, ValueError):
            raise CannotDecrypt("the value was encrypted with another key") from None


def passphrase(environment: Mapping[str, str] = os.environ) -> str | None:
    """The passphrase that Pulumi would use, or None where it would ask for one."""
    if (phrase := environment.get("PULUMI_CONFIG_PASSPHRASE")) is not None:
        return phrase
    if path := environment.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise CannotDecrypt(f"PULUMI_CONFIG_PASSPHRASE_FILE cannot be read: {error.strerror}") from None
    return None


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CannotDecrypt("the value is not base64") from None
