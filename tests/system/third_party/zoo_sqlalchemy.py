# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Mapped objects in sessions, some flushed and some not, with relationships, results, queries."""

import sqlalchemy
from sqlalchemy import Column, ForeignKey, Integer, String, orm, select

Base = orm.declarative_base()


class User(Base):
    __tablename__ = "user"
    id = Column(Integer, primary_key=True)
    name = Column(String(50))
    orders = orm.relationship("Order", back_populates="user")


class Order(Base):
    __tablename__ = "order"
    id = Column(Integer, primary_key=True)
    text = Column(String(50))
    user_id = Column(ForeignKey("user.id"))
    user = orm.relationship("User", back_populates="orders")


EACH = 200


def build(facts):
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
    Base.metadata.create_all(engine)
    new = orm.Session(engine)
    users = []
    for number in range(EACH):
        user = User(name="user %d" % number)
        user.orders += [Order(text="order %d" % n) for n in range(3)]
        users.append(user)
    new.add_all(users)
    first = users[0]
    facts.say("a mapped object", first, holds=[first.__dict__])
    facts.say("its attributes", first.__dict__, holds=[first._sa_instance_state])
    flushed = orm.Session(engine)
    for number in range(EACH):
        flushed.add(User(name="flushed %d" % number))
    flushed.commit()
    loaded = flushed.query(User).all()
    rows = flushed.execute(select(User.id, User.name)).all()
    facts.say("a row", rows[0])
    core = engine.connect()
    result = core.execute(sqlalchemy.text("select id, name from user"))
    partly = result.fetchmany(5)
    statements = [select(User).where(User.id == n).order_by(User.name) for n in range(EACH)]
    scoped = orm.scoped_session(orm.sessionmaker(engine))
    scoped.add(User(name="scoped"))
    return [engine, new, users, flushed, loaded, rows, core, result, partly, statements, scoped]
