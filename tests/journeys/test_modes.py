"""How far the worker may act: in shadow and on history it decides everything and does nothing."""

from pathlib import Path

from house import House, open_house, order_in, reading

from caseworker.app.playbooks import shipped


def _playbook_in(mode: str, folder: Path) -> Path:
    source = shipped("retail")
    for path in source.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text()
            target.write_text(text.replace("mode: live ", f"mode: {mode} ") if path.name == "worker.yaml" else text)
    return folder


async def test_in_shadow_everything_is_decided_and_nothing_done(database_url: str, tmp_path: Path) -> None:
    playbook = _playbook_in("shadow", tmp_path / "playbook")
    async with open_house(database_url, tmp_path, readings={}, playbook=str(playbook)) as house:
        assert house.app.release.playbook.worker.mode == "shadow"
        order = order_in(house, "paid", "processing")
        house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
        house.readings["which"] = reading("cancel_order")
        house.readings["mumble"] = reading(abstained="unsure")
        taken = await house.mail("cancel", "Cancel it.", sender=order["email"])
        await house.mail("which", "Cancel.", sender="c@private.example")
        await house.mail("mumble", "So.", sender="d@private.example")
        await house.work()
        house.clock.move(days=8)
        await house.work()
        assert house.outbox.texts == []
        assert house.sql("select key from effects where status not in ('shadow')") == []
        assert (await house.sandbox.record("base", "orders", order["id"]))["state"] == order["state"]
        file = await house.file(taken)
        [would] = [line.data for line in file.timeline if line.kind == "would"]
        assert would["rule"] == "cancel_all"
        assert would["moves"][0]["operation"] == "orders.cancel"
        waiting = {item.case for item in await house.app.people.waiting()}
        assert len(waiting) == 3, "people have all of it"


async def test_old_mails_are_decided_and_nobody_hears_of_it(house: House) -> None:
    order = order_in(house, "paid", "processing")
    house.readings["cancel"] = reading("cancel_order", fields={"order_number": order["number"]})
    house.readings["which"] = reading("cancel_order")
    house.readings["lawyer"] = reading("cancel_order", risks=("legal_threat",))
    taken = await house.mail("cancel", "Cancel it.", sender=order["email"], history=True)
    asking = await house.mail("which", "Cancel.", sender="c@private.example", history=True)
    threat = await house.mail("lawyer", "Cancel.", sender="d@private.example", history=True)
    await house.work()
    house.clock.move(days=8)
    await house.work()
    assert house.outbox.texts == []
    assert house.sql("select key from effects") == []
    assert await house.app.people.waiting() == []
    assert (await house.sandbox.record("base", "orders", order["id"]))["state"] == order["state"]
    file = await house.file(taken)
    assert (file.case.status, file.case.outcomes) == ("closed", ["would:resolved"]) or file.case.outcomes == ["would:open"]
    assert set((await house.file(threat)).case.outcomes) == {"would:escalated"}
    assert [line.kind for line in (await house.file(asking)).timeline if line.kind == "decided"] == ["decided"]
