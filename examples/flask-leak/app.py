# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A small shop: a Flask service that asks an inventory service what is in stock."""

from flask import Flask

from views import shop


def create_app():
    app = Flask(__name__)
    app.register_blueprint(shop)
    return app


application = create_app()
