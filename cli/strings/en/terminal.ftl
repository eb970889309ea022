# What the terminal chat says (interfaces, section 4).

## Days

weekday-mon = Mon
weekday-tue = Tue
weekday-wed = Wed
weekday-thu = Thu
weekday-fri = Fri
weekday-sat = Sat
weekday-sun = Sun
month-jan = Jan
month-feb = Feb
month-mar = Mar
month-apr = Apr
month-may = May
month-jun = Jun
month-jul = Jul
month-aug = Aug
month-sep = Sep
month-oct = Oct
month-nov = Nov
month-dec = Dec
day = { $weekday } { $day } { $month } { $year }
moment = { $weekday } { $day } { $month } { $clock }

## Talk

mark-waiting = waiting
mark-relayed = relayed
mark-received = received by { $count } of { $members }
wants-listen = wants: to be heard
wants-experience = wants: what others lived through
wants-advice = wants: advice
event-joined = { $name } joined.
event-left = { $name } left.
event-removed = { $name } was removed.
event-removed-why = { $name } was removed. The reason given: { $reason }
event-role-given = { $name } is { $role } now.
event-role-ended = { $name } is { $role } no more.
event-vote-asked = { $name } asks the circle: { $text }
event-vote-carried = The circle said yes to: { $text }
event-vote-not-carried = The circle did not say yes to: { $text }
event-vote-no-quorum = Too few took part to decide: { $text }
event-vote-blocked = Somebody blocked: { $text }
event-differs = { $name } sent different things to different people. All of it is shown.
event-exceeds = The program of { $name } changes keys more often than it may. It may be damaged, or changed by somebody.
event-newer = Made with a newer version.
gap-closed = What was missing is here now.
gap-asking = { $count ->
    [one] { $count } entry is missing.
   *[other] { $count } entries are missing.
}
gap-some-asking = Some entries are missing.
gap-asked = Asking { $who }.
gap-key-coming = { $count ->
    [one] { $count } entry is here. The key to read it is still to come.
   *[other] { $count } entries are here. The key to read them is still to come.
}
gap-some-key-coming = Some entries are here. The key to read them is still to come.
gap-before = { $count ->
    [one] { $count } entry was said before you came.
   *[other] { $count } entries were said before you came.
}
gap-some-before = Some entries were said before you came.
gap-forgotten = { $count ->
    [one] { $count } entry is not kept any more.
   *[other] { $count } entries are not kept any more.
}
gap-some-forgotten = Some entries are not kept any more.
gap-damaged = { $count ->
    [one] { $count } entry came damaged and cannot be read.
   *[other] { $count } entries came damaged and cannot be read.
}
gap-some-damaged = Some entries came damaged and cannot be read.
gap-newer = { $count ->
    [one] { $count } entry was made with a newer version.
   *[other] { $count } entries were made with a newer version.
}
gap-some-newer = Some entries were made with a newer version.
the-relay = the relay
relay-number = relay { $number }
list-and = { $first } and { $last }

## People

role-host = host
role-steward = steward
role-chair = chair
role-greeter = greeter
role-timekeeper = timekeeper
role-treasurer = treasurer
role-facilitator = facilitator

## The screen

header-help = F1 keys
keys-chat = F2 get help now   F10 hide   Ctrl-Q leave   Alt-a next unread   /invite /members
keys-locked = F2 get help now   F10 hide   Ctrl-Q leave
keys-close = F2 get help now   F10 hide   Esc back
keys-members = F2 get help now   F10 hide   Esc back   Enter open   Up Down choose
keys-waiting = F2 get help now   F10 hide   Esc back   a let in   d do not let in
keys-invite = F2 get help now   F10 hide   Esc back   q draw the code
keys-settings = F2 get help now   F10 hide   Esc back   Enter change   Up Down choose
keys-join = F2 get help now   F10 hide   Esc back   Enter go on
keys-more = PgDn more
you = You
line-new = new
entries-new = { $count } new:
answer-to = to { $name }
an-answer = an answer
replying = Answer to { $name }: { $text }
replying-to-earlier = Answer to something earlier
reply-none = Nothing like that is here to answer.
rows-below = { $count ->
    [one] { $count } more line below. End shows the newest.
   *[other] { $count } more lines below. End shows the newest.
}
opening = Opening.
locked = Locked.
locked-nothing-arrives = Nothing arrives while this is locked. Your relay keeps it for you.
locked-type = Type your passphrase to open it.
locked-no-passphrase = This home has no passphrase. Enter opens it. Locking hides what is here, and does not protect it.
too-small = This window is too small.
too-small-help = F2 get help now
empty-circle = Nothing was said here yet.
empty-asking = You asked to join. Someone there lets you in.
empty-no-circle = You are in no circle yet. Type /join to use an invite.
link-relay = connected through a relay
link-direct = connected directly
link-none = no relay can be reached
link-no-relay = this circle has no relay
link-asking = asked to join
link-not-in = you are not in it any more
link-no-circle = no circle
field-passphrase = Passphrase
field-code = Code
field-name = Name
yes-or-no = y yes, n no
yes-letter = y
yes-word = yes

## Sentences about what happened

nothing-done = Nothing was changed.
next-none = Nothing is new in your other circles.
no-circle = Choose a circle first, or type /join.
not-in-circle = You are not in this circle, so nothing can be said.
text-too-long = That is too long for one message. Send it in parts.
name-wanted = Type a name of 1 to 40 letters.
command-unknown = There is no { $word }. See /help.
command-needs = It goes like this: { $usage }
somebody-asks = { $name } asks to be let in. Type /waiting
joined-in = You are in { $circle }.
is-in = { $name } is in.
is-admitted = { $name } is let in. The welcome goes out when a relay can be reached.
was-declined = { $name } was not let in.
yes-missing = This needs a yes, and nobody can be asked here. Start with --yes to say it.
is-muted = You are told of nothing new in { $circle }. Nobody else learns of it. To undo it: /unmute
is-unmuted = You are told of what is new in { $circle } again.
is-verified = { $name } is verified.
is-blocked = You no longer see { $name } here. Nobody is told. To undo it: /unblock { $name }
is-unblocked = You see { $name } here again.
ask-same-words = { $name }: { $words }. Ask which six words stand there, by voice if you can. Are they the same?
needs-second = A second host has to do the same. Everybody can see that you did.
needs-vote = The circle decides this by a vote. It is open now.
ask-private = This looks like a phone number, e-mail or street address. Anyone in the circle can copy it. Say it all the same?
ask-decline = Do not let { $name } in?
ask-remove = Remove { $name }? What { $name } has heard so far stays there.
ask-hold = Set aside what { $name } says for { $span }?
ask-host = Make { $name } a host? A host may do everything, and no other host can take that back.
ask-role = Give { $name } this role: { $role }?
ask-role-off = Take this role from { $name }: { $role }?
done-remove = { $name } is removed. What you say from now on cannot be read by { $name }.
done-hold = { $name } is held. What { $name } says is set aside for { $span }, and shown afterwards.
done-role = { $name } has this role now: { $role }.
done-role-off = { $name } does not have this role any more: { $role }.

## Panels

title-keys = Keys and commands
title-help = Get help now
title-where = Where you are
title-members = Members
title-votes = Decisions
title-vote = A decision
title-settings = Settings
title-reply = What do you answer?
title-member = Member
title-waiting = Waiting room
title-invite = Invite
title-join = Join a circle
key-f1 = F1, or ? on an empty line: these keys
key-f2 = F2: get help now
key-f10 = F10, or Ctrl-X Ctrl-H: hide. It clears the screen, locks, and ends.
key-alt-a = Alt-a: next circle with something new
key-alt-digit = Alt-1 to Alt-9: that circle
key-page = PgUp, PgDn, Home, End: read back and forth
key-tab = Tab: complete a command or a name
key-enter = Enter: send. Alt-Enter: new line
key-up = Up: what you typed before
key-esc = Esc: close this
key-quit = Ctrl-Q: leave. What you typed stays as a draft.
key-commands-talk = /reply  /reply WHO  /wants listen, experience, advice, off
key-commands = /invite  /members  /waiting  /join  /where
key-commands-people = /admit WHO  /decline WHO  /role WHO +host  /remove WHO
key-commands-care = /verify WHO  /block WHO  /unblock WHO  /hold WHO 24h
key-commands-decide = /votes  /vote TEXT  /cast NUMBER yes
key-commands-settings = /config  /mute  /unmute
key-commands-more = /circle NAME  /next  /help-now  /lock  /hide  /quit
help-choose = You are not in the way. Choose one:
help-country = Choose your country:
help-call = call { $number }
help-text = text { $number }
help-text-word = text { $word } to { $number }
help-read-on = read on { $date }
help-old = Checked on { $date }. It may be out of date.
help-not-checked = A person has not checked these numbers yet.
country-none = not chosen
country-au = Australia
country-us = United States
help-danger = In danger, call your local emergency number.
help-dying = When someone speaks of dying: Ask them directly. Stay with them. Bring in a help line.
help-steward = Tell a steward. Look after yourself.
help-withdrawal = Stopping alcohol or some pills at once can harm you. Call a doctor or your emergency number.
help-nobody-watches = Nobody watches this circle day and night.
where-members = { $count ->
    [one] { $count } member
   *[other] { $count } members
}
where-roles = Your role here: { $roles }
where-muted = You are told of nothing new here: /unmute
where-queued = { $count ->
    [0] Nothing waits to go out.
    [one] { $count } message waits to go out.
   *[other] { $count } messages wait to go out.
}
where-room = { $count ->
    [0] Nobody asks to be let in.
    [one] { $count } person asks to be let in.
   *[other] { $count } people ask to be let in.
}
where-version = Hearthlight { $version }
member-you = you
member-held = held
member-left = left
member-removed = removed
member-verified = verified
member-blocked = not shown here
member-verify = Compare six words: /verify { $name }
member-block = See nothing of them here: /block { $name }
member-since = here since { $date }
member-role = Give a role: /role { $name } +host
member-hold = Set aside what they say: /hold { $name } 24h
member-remove = Remove them: /remove { $name }
room-asks = { $count ->
    [one] { $count } person asks to be let in. Type /waiting
   *[other] { $count } people ask to be let in. Type /waiting
}
room-empty = Nobody asks to be let in.
room-line = { $name }  asked { $clock }
room-invite = with the invite { $label }
room-admitting = on the way in
room-words = Ask them for their six words, by voice if you can. The same words: it is them.
invite-making = Making an invite.
invite-pass-on = Pass this code on to one person:
invite-until = { $count ->
    [one] Until { $until } { $count } person can ask with it to be let in.
   *[other] Until { $until } { $count } people can ask with it to be let in.
}
invite-not-registered = No relay knows it yet. It works once a relay was reached.
invite-check-group = Check group { $group } ({ $typed }, as typed).
invite-cut-off = The end is missing: { $have } of { $of } groups are here.
invite-cut-off-somewhere = The end is missing. Groups that are here: { $have }.
invite-once = The code is not shown again.
qr-no-room = The drawing needs a larger window. Esc goes back.
join-code = Paste the code of your invite. It starts with HL1.
join-looking = Looking at what the code leads to.
join-asking = Asking to join.
join-asked = You asked to join { $circle }. Someone there will let you in.
join-words = Whoever lets you in can compare these words with you:
join-name = Choose your name there. Enter asks to join under it, Esc does not.
join-name-links = The same name in two circles would link them.
card-operator = This relay is run by { $operator }.
card-no-operator = This relay does not say who runs it.
card-keeps = It keeps things for { $span }.
card-sees = The relay sees internet addresses, times and sizes. It sees no words and no names.
card-circle = Circle: { $circle }
card-rule = Rule: { $rule }
card-open = You come in right away. You see what is said from then on.
card-ask = Someone there lets you in. You see what is said from then on.
limit-secret = Members have no legal right to keep secret what they hear, and some may have to report it.
limit-copy = Anyone can copy what is on a screen.
limit-spy = Programs that spy on a computer see everything, so do not use a work laptop.
limit-doctor = Nobody here is your doctor, and nobody watches this circle day and night.

## Settings

setting-language = Language: { $value }
setting-country = Country for help lines: { $value }
setting-lock = Lock by itself after: { $value }
setting-notify = When something is new: { $value }
setting-quiet = Quiet hours: { $value }
setting-hide-keys = Shift three times hides the page: { $value }
language-terminal = as your terminal
language-en = English
language-es = Español
lock-5m = 5 minutes
lock-15m = 15 minutes
lock-1h = 1 hour
lock-4h = 4 hours
lock-never = never
notify-mark = a mark on the page
notify-bell = the bell of the terminal
notify-off = nothing
quiet-none = none
quiet-night = 22:00 to 07:00
hide-keys-on = yes
hide-keys-off = no
setting-saved = Saved.
settings-keys = Here F10 hides, and so does Ctrl-X Ctrl-H.
settings-other = Other values: /config set notify.quiet 23:00-06:00

## Decisions

choice-yes = yes
choice-no = no
choice-abstain = abstain
choice-aside = stand aside
choice-block = block
vote-open = open until { $until }
vote-counting = counted by { $until }
vote-carried = carried
vote-not-carried = not carried
vote-no-quorum = too few took part
vote-blocked = blocked
vote-lapsed = no decision, ask again
vote-cast = { $cast } of { $all } chose
vote-mine = you: { $choice }
vote-by = Asked by { $name }.
vote-remove = If it is carried, { $name } is removed.
vote-elect = If it is carried, { $name } has this role: { $role }.
vote-rename = If it is carried, the circle is named { $circle }.
vote-choose = Choose: 1 yes, 2 no, 3 abstain, 4 stand aside, 5 block. Everybody sees who chose what.
vote-chosen = You chose: { $choice }. You can choose anew until it closes.
vote-asked = The circle is asked.
vote-waits = It goes out when a relay can be reached.
vote-none = No vote here goes by that. See /votes
votes-none = Nothing was voted on here yet.
votes-first = Here is what is voted on. Say again which one you mean.
votes-ask = To ask the circle: /vote TEXT
