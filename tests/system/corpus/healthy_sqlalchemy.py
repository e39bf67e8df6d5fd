# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A session per request, closed; the identity map is weak."""

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
long_lived = orm.Session(engine)
with orm.Session(engine) as session:
    session.add_all(Visit(path="/page/%d" % number) for number in range(200))
    session.commit()

for number in ticks():
    with orm.Session(engine) as session:
        session.query(Visit).filter(Visit.id == number % 200).one_or_none()
    long_lived.get(Visit, number % 200 + 1)
