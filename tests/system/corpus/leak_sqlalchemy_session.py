# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A session for the whole life of the service: what is added is never flushed."""

import sqlalchemy
from sqlalchemy import orm

from workload import ticks

Base = orm.declarative_base()


class Visit(Base):
    __tablename__ = "visit"
    id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
    path = sqlalchemy.Column(sqlalchemy.String(100))


engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
Base.metadata.create_all(engine)


class Service:
    def __init__(self):
        self.session = orm.Session(engine, autoflush=False)

    def visit(self, number):
        self.session.add(Visit(path="/page/%d" % number))


service = Service()

for number in ticks():
    service.visit(number)
