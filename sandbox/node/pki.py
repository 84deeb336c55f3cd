# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and certificates of the cluster, made here and trusted nowhere else."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import typing as t
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.settings import API_SERVICE_IP, CONTEXT, NODE, NODE_IP, Settings

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
_LIFETIME = datetime.timedelta(days=3650)


def _usage(**wanted: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names})


class Keys:
    """Certificates carry key identifiers and the authority a
    critical key usage: Python 3.13 refuses them otherwise.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / name

    def _store(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
        certificate: x509.Certificate | None = None,
    ) -> None:
        path = self.path(f"{name}.key")
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        if certificate:
            self.path(f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(now + _LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )  # fmt: skip

    def authority(self, name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"sandbox {name}")])
        certificate = (
            self._builder(subject, subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True, key_cert_sign=True, crl_sign=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._store(name, key, certificate)
        return key, certificate

    def certificate(
        self, name: str, common: str, issuer: tuple[ec.EllipticCurvePrivateKey, x509.Certificate],
        usages: t.Sequence[x509.ObjectIdentifier] = (CLIENT,), group: str = "", alternatives: t.Sequence[str] = (),
    ) -> None:  # fmt: skip
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
        subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common)])
        issuer_key, issuer_certificate = issuer
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = (
            self._builder(subject, issuer_certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
            .add_extension(authority, critical=False)
        )
        if alternatives:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_alternative(value) for value in alternatives]), critical=False
            )
        self._store(name, key, builder.sign(issuer_key, hashes.SHA256()))

    def make_all(self) -> None:
        done = self.path("complete")
        if done.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        cluster, front = self.authority("ca"), self.authority("front-proxy-ca")
        names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
                 "127.0.0.1", NODE_IP, API_SERVICE_IP]  # fmt: skip
        self.certificate("apiserver", "kube-apiserver", cluster, [SERVER], alternatives=names)
        self.certificate(
            "apiserver-kubelet-client", "kube-apiserver-kubelet-client", cluster, group="system:masters"
        )
        self.certificate("front-proxy-client", "front-proxy-client", front)
        self.certificate("admin", "sandbox-admin", cluster, group="system:masters")
        self.certificate("controller-manager", "system:kube-controller-manager", cluster)
        self.certificate("scheduler", "system:kube-scheduler", cluster)
        self.certificate("proxy", "system:kube-proxy", cluster)
        # Servers of the sandbox that read the cluster have names of
        # their own, so that the audit log tells them apart.
        for reader in ("coredns", "traefik", "targets", "kwok"):
            self.certificate(reader, f"sandbox-{reader}", cluster, group="system:masters")
        # One pair for the node: client of the API server, server for logs and exec.
        self.certificate(
            "kubelet",
            f"system:node:{NODE}",
            cluster,
            [CLIENT, SERVER],
            "system:nodes",
            [NODE, "localhost", NODE_IP, "127.0.0.1"],
        )
        accounts = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._store("service-accounts", accounts)
        public = accounts.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.path("service-accounts.pub").write_bytes(public)
        done.touch()

    def kubeconfig(self, name: str, settings: Settings) -> str:
        """As JSON, which every reader of YAML takes."""

        def data(file: str) -> str:
            return base64.b64encode(self.path(file).read_bytes()).decode()

        return json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
            "clusters": [{"name": CONTEXT, "cluster": {"server": settings.api_url, "certificate-authority-data": data("ca.crt")}}],
            "users": [{"name": name, "user": {"client-certificate-data": data(f"{name}.crt"), "client-key-data": data(f"{name}.key")}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": name}}],
        }, indent=1)  # fmt: skip


def _alternative(value: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(value))
    except ValueError:
        return x509.DNSName(value)
