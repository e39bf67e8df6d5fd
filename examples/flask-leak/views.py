# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The pages of the shop."""

from flask import Blueprint, abort, jsonify, request

import catalogue
import client

shop = Blueprint("shop", __name__)


@shop.get("/healthz")
def health():
    return jsonify(status="ok")


@shop.get("/products")
def products():
    return jsonify(products=catalogue.search(request.args.get("q", "")))


@shop.get("/products/<int:number>")
def product(number):
    found = catalogue.find(number)
    if found is None:
        abort(404)
    stock = client.get_json(f"/stock/{number}")
    return jsonify({**found, "stock": stock})


@shop.post("/basket/price")
def basket_price():
    lines = request.get_json()["lines"]
    total = sum(catalogue.find(line["id"])["price_cents"] * line["quantity"] for line in lines)
    return jsonify(lines=len(lines), total_cents=total)


@shop.errorhandler(client.DownstreamError)
def downstream_failed(error):
    return jsonify(error="inventory is not available", reason=str(error)), 502
