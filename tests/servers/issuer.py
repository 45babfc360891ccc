"""A token issuer like Microsoft Entra ID's: client credentials by secret, certificate, assertion.

It signs its tokens (RS256), so that a mail server can check them without asking, and answers
errors in Entra's form. Its tokens are about as long as the real ones.
"""

import functools
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from tests.servers.https import Answer, HangUp, Request

TENANT = "7b2f6f0e-3d0a-4c1e-9a55-0c5d8f1f0a01"
CLIENT = "c1d5a7a2-5a0e-4b7e-8f8a-5f0f6a3b9e02"
ASSERTING = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# Every secret and token that was handed out in this process: none may show in any output.
SECRETS: set[str] = set()


@functools.cache
def _key(_name: str) -> rsa.RSAPrivateKey:
    """A key; making one takes long, so that a process makes each once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class App:
    """An app of the tenant: its secret, its certificate as PEM and PFX, its federated subject."""

    def __init__(self, client_id: str = CLIENT, usual: bool = True) -> None:
        self.client_id = client_id
        self.secret = secrets.token_urlsafe(30)
        SECRETS.add(self.secret)
        key = _key("app" if client_id == CLIENT and usual else secrets.token_hex(4))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailbot")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .sign(key, hashes.SHA256())
        )
        self.key = key
        self.federated_secret = secrets.token_urlsafe(40)  # of the other identity provider

    def pem(self, passphrase: bytes = b"") -> bytes:
        """Certificate and key in one file, the certificate first."""
        how: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            how = serialization.BestAvailableEncryption(passphrase)
        return self.certificate.public_bytes(serialization.Encoding.PEM) + self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how
        )

    def pfx(self, passphrase: bytes = b"") -> bytes:
        """The same as PKCS #12."""
        how: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            how = serialization.BestAvailableEncryption(passphrase)
        return pkcs12.serialize_key_and_certificates(b"app", self.key, self.certificate, None, how)

    def assertion(self) -> str:
        """A token of another identity provider that the app trusts."""
        claims = {"sub": "system:mailbot", "iss": "https://idp.test", "exp": time.time() + 600}
        return jwt.encode(claims, self.federated_secret, "HS256")


@dataclass
class Issuer:
    """Answers the requests of one tenant below /TENANT.

    lifetime: seconds that a token holds. faults: what comes instead of the next answers, each a
    status (an int), an AADSTS code (a negative int), or "hang up". claims: added to each token.
    """

    app: App = field(default_factory=App)
    tenant: str = TENANT
    lifetime: float = 3600
    claims: Mapping[str, Any] = field(default_factory=dict)
    faults: list[int | str] = field(default_factory=list)
    retry_after: str = ""
    issued: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    asked: int = 0
    base: str = ""  # filled in once the server's port is known

    def __post_init__(self) -> None:
        self._key = _key("issuer")

    @property
    def public_key(self) -> str:
        """The key by which tokens are checked, as PEM."""
        return (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def answer(self, request: Request) -> Answer | None:
        """The answer to a request for this tenant, None if it is for somebody else."""
        if not request.path.startswith(f"/{self.tenant}/"):
            return None
        if request.path.endswith("/.well-known/openid-configuration"):
            return _json(200, self._discovery())
        if not request.path.endswith("/oauth2/v2.0/token"):
            return _json(404, {})
        self.asked += 1
        if self.faults:
            return self._fault(self.faults.pop(0))
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        wrong = self._wrong(form)
        if wrong:
            return self._error(wrong)
        token = self.token(form.get("scope", "").removesuffix("/.default"))
        return _json(
            200, {"token_type": "Bearer", "expires_in": int(self.lifetime), "access_token": token}
        )

    def token(self, audience: str) -> str:
        """A token for a service, valid from now."""
        now = time.time()
        claims = {
            "aud": audience,
            "iss": f"{self.base}/{self.tenant}/v2.0",
            "iat": int(now),
            "nbf": int(now) - 5,
            "exp": int(now + self.lifetime),
            "appid": self.app.client_id,
            "sub": "b1f7c0de-0000-4000-8000-00000000aa03",
            "tid": self.tenant,
            "jti": secrets.token_hex(8),
            "filling": "x" * 600,
            **self.claims,
        }
        made = jwt.encode(claims, self._key, "RS256", headers={"kid": "default"})
        self.issued.append(made)
        SECRETS.add(made)
        return made

    def valid(self, token: str, audience: str) -> bool:
        """Whether a token is one of ours for this service, and holds."""
        if token in self.revoked:
            return False
        try:
            jwt.decode(token, self.public_key, ["RS256"], audience=audience)
        except jwt.PyJWTError:
            return False
        return True

    def revoke_all(self) -> None:
        """No token issued so far is taken any more."""
        self.revoked.update(self.issued)

    def _discovery(self) -> dict[str, Any]:
        here = f"{self.base}/{self.tenant}"
        return {
            "issuer": f"{here}/v2.0",
            "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
            "token_endpoint": f"{here}/oauth2/v2.0/token",
            "jwks_uri": f"{here}/discovery/v2.0/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _fault(self, what: int | str) -> Answer:
        if isinstance(what, str):
            raise HangUp
        if what < 0:
            return self._error(-what)
        headers = {"Retry-After": self.retry_after} if self.retry_after else {}
        return _json(what, {"error": "temporarily_unavailable", "error_codes": []}, headers)

    def _error(self, code: int) -> Answer:
        said = f"AADSTS{code}: what Entra says of tenant {self.tenant} and secret {self.app.secret}"
        kind = "unauthorized_client" if code == 700016 else "invalid_client"
        document = {"error": kind, "error_description": said, "error_codes": [code]}
        return _json(400 if code == 700016 else 401, document)

    def _wrong(self, form: Mapping[str, str]) -> int:
        """The code of what is wrong with a sign-in, 0 if it is right."""
        if form.get("grant_type") != "client_credentials":
            return 70003
        if form.get("client_id") != self.app.client_id:
            return 700016
        if form.get("client_assertion_type") == ASSERTING:
            return self._wrong_assertion(form.get("client_assertion", ""))
        right = secrets.compare_digest(form.get("client_secret", ""), self.app.secret)
        return 0 if right else 7000215

    def _wrong_assertion(self, assertion: str) -> int:
        try:
            if jwt.get_unverified_header(assertion)["alg"] == "HS256":
                jwt.decode(assertion, self.app.federated_secret, ["HS256"])
                return 0
            endpoint = self._discovery()["token_endpoint"]
            claims = jwt.decode(
                assertion, self.app.certificate.public_key(), ["PS256"], audience=endpoint
            )
        except jwt.ExpiredSignatureError:
            return 700024
        except (jwt.PyJWTError, KeyError):
            return 700027
        return 0 if claims.get("sub") == self.app.client_id else 700021


def _json(status: int, document: object, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
        body=json.dumps(document).encode(),
    )
