"""A mail server for tests: port, offer, certificate, key, folder of letters, name and password."""
import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

port, offer, certificate, key, folder, name, password = sys.argv[1:]
taken = 0


class Handler:
    async def handle_DATA(self, server, session, envelope):
        global taken
        taken += 1
        path = os.path.join(folder, f"{taken:06}")
        with open(path, "wb") as file:
            file.write(f"tls: {session.ssl is not None}\nlogin: {session.authenticated}\n".encode())
            file.write(f"from: {envelope.mail_from}\nto: {','.join(envelope.rcpt_tos)}\n".encode())
            file.write(envelope.content)
        os.rename(path, path + ".eml")
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    given = (getattr(data, "login", None), getattr(data, "password", None))
    return AuthResult(success=given == (name.encode(), password.encode()))


def smtp():
    tls = {}
    if offer == "starttls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        tls = {"tls_context": context, "require_starttls": True}
    return SMTP(
        Handler(),
        hostname="localhost",
        authenticator=authenticate,
        auth_required=offer == "starttls",
        auth_require_tls=offer == "starttls",
        **tls,
    )


async def main():
    server = await asyncio.get_running_loop().create_server(smtp, "127.0.0.1", int(port))
    await server.serve_forever()


asyncio.run(main())
