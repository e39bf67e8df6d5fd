# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The products of the shop. A real one would ask a database."""

PRODUCTS = {
    number: {"id": number, "name": f"{adjective} {noun}", "price_cents": 500 + 37 * number}
    for number, (adjective, noun) in enumerate(
        (adjective, noun)
        for adjective in ("small", "large", "red", "green", "folding")
        for noun in ("kettle", "lamp", "chair", "basket")
    )
}


def find(number):
    return PRODUCTS.get(number)


def search(words):
    words = words.lower().split()
    return [
        product for product in PRODUCTS.values() if all(word in product["name"] for word in words)
    ]
