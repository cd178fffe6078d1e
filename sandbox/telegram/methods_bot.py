"""The methods about the bot itself, its chats and its files."""

from typing import Any

from sandbox.chat import Person
from sandbox.telegram import checks
from sandbox.telegram.errors import bad_request
from sandbox.telegram.methods_send import Parameters
from sandbox.telegram.service import Service
from sandbox.telegram.world import GENERAL_ID, Chat, user

#: core.telegram.org/bots/api#getfile; 20 << 20 in tdlib/telegram-bot-api.
MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024
#: core.telegram.org/bots/api#setmyname and its neighbours, in characters.
_PROFILE_LIMITS = {"name": 64, "description": 512, "short_description": 120}
_RIGHTS = ("can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members",
    "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories",
    "can_delete_stories")  # fmt: skip


async def get_me(service: Service, parameters: Parameters) -> dict[str, Any]:
    # BotFather's switch is one for the bot; a group keeps its old behaviour until the bot is added anew.
    reads_all = any(not chat.privacy for chat in service.world.chats.values() if chat.type != "private")
    return service.world.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": reads_all,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def accept(service: Service, parameters: Parameters) -> bool:
    """logOut, close and setChatMenuButton change nothing a person of this world could see."""
    return True


async def get_file(service: Service, parameters: Parameters) -> dict[str, Any]:
    stored = service.files.file(parameters["file_id"])
    if len(stored.data) > MAX_DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.data),
        "file_path": service.files.link(stored),
    }


async def send_chat_action(service: Service, parameters: Parameters) -> bool:
    if parameters["action"] not in checks.CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat = service.chat(parameters["chat_id"])
    # Unlike a message, an action in the General topic may name it.
    if not (chat.forum and parameters.get("message_thread_id") == GENERAL_ID):
        service.topic(chat, parameters.get("message_thread_id"))
    return True


async def get_chat(service: Service, parameters: Parameters) -> dict[str, Any]:
    chat = service.chat(parameters["chat_id"])
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return chat.api() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }


def member(service: Service, chat: Chat, who: Person | None) -> dict[str, Any]:
    """The ChatMember object of a person, or of the bot (``None``)."""
    if who is not None:
        if who is service.world.owner and chat.type != "private":
            return {"status": "creator", "user": user(who), "is_anonymous": False}
        return {"status": "member", "user": user(who)}
    if not chat.bot_inside:
        return {"status": "kicked", "user": service.world.bot, "until_date": 0}
    if chat.bot_admin and chat.type != "private":
        rights = dict.fromkeys(_RIGHTS, False) | {"can_manage_chat": True, "can_delete_messages": True}
        rights |= {"can_pin_messages": True, "can_be_edited": False, "is_anonymous": False}
        return {"status": "administrator", "user": service.world.bot} | rights
    return {"status": "member", "user": service.world.bot}


async def get_chat_member(service: Service, parameters: Parameters) -> dict[str, Any]:
    chat = service.chat(parameters["chat_id"])
    if parameters["user_id"] == service.world.bot["id"]:
        return member(service, chat, None)
    person = service.world.person_by_id(parameters["user_id"])
    if person is None:
        raise bad_request("user not found")
    if chat.type == "private" and chat.person is not person:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return member(service, chat, person)


async def get_chat_administrators(service: Service, parameters: Parameters) -> list[dict[str, Any]]:
    chat = service.chat(parameters["chat_id"])
    if chat.type == "private":
        raise bad_request("there are no administrators in the private chat")
    found = [member(service, chat, service.world.owner)]
    return [*found, member(service, chat, None)] if chat.bot_admin else found


def _scope(parameters: Parameters) -> tuple[str, str]:
    scope = parameters.get("scope", {"type": "default"})
    where = [str(scope[name]) for name in ("type", "chat_id", "user_id") if name in scope]
    language = parameters.get("language_code", "")
    if language and not (len(language) == 2 and language.isalpha() and language.islower()):
        raise bad_request("language_code is invalid")
    return ":".join(where), language


async def set_my_commands(service: Service, parameters: Parameters) -> bool:
    checks.check_commands(parameters["commands"])
    service.commands[_scope(parameters)] = parameters["commands"]
    return True


async def get_my_commands(service: Service, parameters: Parameters) -> list[dict[str, Any]]:
    return service.commands.get(_scope(parameters), [])


async def delete_my_commands(service: Service, parameters: Parameters) -> bool:
    service.commands.pop(_scope(parameters), None)
    return True


async def set_profile(service: Service, parameters: Parameters) -> bool:
    """setMyName, setMyDescription and setMyShortDescription, told apart by their parameter."""
    for name, limit in _PROFILE_LIMITS.items():
        if len(parameters.get(name, "")) > limit:
            raise bad_request(f"{name.replace('_', ' ')} is too long")
        if name in parameters:
            service.profile[name, parameters.get("language_code", "")] = parameters[name]
    return True
