# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""scoped_session without remove(): the thread's session lives on, and with it what was changed."""

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
Session = orm.scoped_session(orm.sessionmaker(engine, autoflush=False))


def handle(number):
    Session.add(Visit(path="/page/%d" % number))


for number in ticks():
    handle(number)
