# The words of the page. Only plain text, {$name}, and one choice by number are used here (U-126).
# Sentences have at most 20 words; no word of the list of D-73.

## Everywhere
skip = Skip to the room
ways = Ways
circles = Circles
rooms = In this circle
help-now = Get help now
hide = Hide
loading = One moment.
again = Try again
back = Back
next = Next
no = No
close = Close
good = Good
more = More
save = Save
saved = Saved.
not-now = Not now
you = You
somebody = Somebody
new-activity = New activity
rules = Rules
relays = Relays

## How things stand
gone = Hearthlight is not running. Start it with:
gone-title = Not running
gone-help = What you wrote is kept. The numbers under Get help now are here all the same.
no-token = This tab has no key to your home. Close it, then open a new one from a terminal with:
no-token-title = Open it from a terminal
no-token-help = A key works once, in one tab. The numbers under Get help now are here all the same.
offline = No relay can be reached now. What you write waits here and goes out by itself.
no-relay = This circle has no relay, so nobody can hear you yet.
no-relay-do = Add a relay
full = The disk of this computer is full. Make room on it, since nothing new can be kept.
starting-title = One moment.

## Circles
circles-none = You are not in a circle yet.
circles-join = Somebody gave you a code. It begins with HL1.
circles-start = You bring people together, and you have the address of a relay.
circle-members = { $count ->
    [one] You alone
   *[other] {$count} people
 }
circle-new = {$count} new
circle-asks = not let in yet
circle-waiting = { $count ->
    [one] {$count} person waits
   *[other] {$count} people wait
 }
circle-read = What was said before
circle-asking = You asked to be let in. Somebody there has to say yes.
circle-left = You left this circle. What was said before is here until its time is over.
circle-removed = You are not in this circle any more. What was said before is here until its time is over.
circle-ended = This circle has ended. What was said before is here until its time is over.
room-talk = Talk
room-people = People
room-votes = Decisions
room-invite = Invite
room-waiting = At the door
room-about = About

## First steps
welcome-1 = Before you begin
welcome-2 = Your name
welcome-3 = Your passphrase
welcome-4 = Hiding this page
welcome-step = Step {$step} of {$all}
welcome-begin = Begin
what-is = What this is
what-is-1 = A place to talk in small circles, with people that you know or were invited by.
what-is-2 = What you say is sealed. Only people in the circle can read it.
what-is-3 = No company runs it. It is a program on your computer.
what-is-4 = You can leave, or erase all of it here, at any time.
what-is-not = What it is not
what-is-not-1 = Nobody watches a circle day and night. In danger, call your local emergency number.
what-is-not-2 = Nobody here is your doctor. It gives no medical advice.
what-is-not-3 = Anyone in a circle can copy what is on their screen.
what-is-not-4 = Programs that spy on this computer see everything on it. Use one that only you look after.
what-is-not-5 = There is no backup yet. Without this computer, your copy is gone.
what-page = The numbers to call or text stand under Get help now, on every page.
your-name = What do you want to be called?
your-name-hint = It stays on this computer. Choose a name that says nothing about you. You can take another one in each circle.
passphrase = Passphrase
passphrase-why = The passphrase opens what is kept here. Nobody can tell you what it was, and nobody can make a new one.
passphrase-made = Use these six words
passphrase-made-hint = Write them on paper now, and keep the paper somewhere else.
passphrase-own = Choose my own
passphrase-own-field = Your passphrase
passphrase-own-hint = Several words that belong to no song or saying are good.
passphrase-again = The same again
passphrase-differs = The two are not the same. Type the second one again.
passphrase-look = Show what I type
passphrase-none = Go without
passphrase-none-hint = Then anyone at this computer can read everything.
hide-what = The Hide button covers this page at once, locks it, and shows a page for notes instead.
hide-keys-what = Tap the Shift key three times within five seconds. It works while you type, too.
hide-keys-on = Shift three times hides the page
hide-limits = The browser still remembers that 127.0.0.1 was open. Whoever sits beside you may notice a sudden change.

## Joining
join-title = Join a circle
join-code = Paste your code
join-code-hint = It begins with HL1. Spaces, line breaks and small letters do not matter.
join-look = Look who it is from
join-looking = Looking for the circle. This can take some seconds.
join-consider = Do you want to join?
join-ask = Somebody in the circle lets you in.
join-open = Whoever has a code comes in at once.
join-newcomers = You see what is said after you come in, and nothing from before.
join-limits = Good to know
limit-1 = Anyone can copy what is on a screen.
limit-2 = Members have no legal right to keep secret what they hear.
limit-3 = A helper with a license may have a duty to report what they hear. Ask before you tell.
limit-4 = A host can remove a member. What that member has read stays with them.
join-name = Your name there
join-name-hint = The others see this name. A new one in each circle keeps your circles apart.
join = Join
join-wait = Waiting to be let in
join-asked = You asked to join {$circle} as {$name}. Somebody there will answer you.
join-patience = It can take a while. You can close this page; your question stays.
join-words = Whoever lets you in sees the same six words. Compare them by voice, if you can.
join-stop = Do not ask any more
join-again = Use another code
six-title = Six words
relay-by = Relay run by {$operator}
relay-unknown = Nobody has said who runs this relay
relay-what = What a relay is
relay-who = A relay passes sealed messages on. Somebody in your circle or near it can run one: hearthlight relay init
relay-sees = It can see: internet addresses, times, sizes, and which mailboxes belong together.
relay-sees-not = It cannot see: words, names, or who said what.
relay-state = Now
relay-up = Can be reached
relay-down = Cannot be reached
relay-hosting = Stands at
relay-contact = Contact
relay-keeps = Keeps for
relay-address = Address
relay-one = One relay alone carries this circle. Whoever runs it can hold things back. A second one, run by somebody else, is safer.
relay-add = Add this relay
relay-new = Address of another relay
relay-remove = Remove this relay
relay-remove-ask = Remove this relay from the circle?
relay-remove-what = Nobody in the circle uses it any more. You can add it again.
relay-remove-last = It is the only one. Without a relay you hear nobody, and nobody hears you.

## Starting
start-title = Start a circle
start-intro = You will be its host. Then you invite people, one code each.
start-name = Name of the circle
start-name-hint = People see it when they are invited. Choose one that tells nothing to others.
start-as = Your name there
start-relays = Address of a relay
start-relays-hint = It begins with hl-relay: and comes from whoever runs the relay. Two are safer than one.
start-admit = How people come in
start = Start the circle
admit-ask = Somebody lets them in
admit-ask-hint = Each newcomer waits at the door until somebody says yes.
admit-open = A code is enough
admit-open-hint = For open circles, where it is fine that anybody with a code comes in.

## Talking
feed = What is said
feed-none = Nothing was said here yet. You can be the first.
earlier = Earlier
later = Back to the newest
new = New
arrived = { $count ->
    [one] {$count} new message
   *[other] {$count} new messages
 }
says = {$name} says
reply = Reply
reply-to = Reply to {$name}
reply-line = To {$name}:
reply-not = Do not reply
reply-listen = Whoever wrote this wants to be heard, not answered. You can say:
support-with-you = With you
support-heard = Heard
support-thank-you = Thank you
write = Write a message
write-more = Wishes and notes
write-keys = Enter sends. Shift and Enter begin a new line.
send = Send
wants = I wish for
wants-none = no special wish
wants-listen = somebody to listen
wants-experience = what others have lived
wants-advice = advice
wants-listen-line = Wishes to be heard, not answered.
wants-experience-line = Wishes to hear what others have lived.
wants-advice-line = Wishes for advice.
note = Note in front
note-hint = Others see this note first, and open the message if they want to.
note-open = Note: {$note}. Open
marks-title = What the words behind your messages mean
mark-waiting = waiting
mark-relayed = relayed
mark-received = { $members ->
    [one] received
   *[other] received by {$count} of {$members}
 }
mark-waiting-word = waiting
mark-waiting-what = It is on this computer, and goes out when a relay or a member can be reached.
mark-relayed-word = relayed
mark-relayed-what = A relay has it, sealed.
mark-received-word = received by 2 of 5
mark-received-what = The computers of 2 of the 5 others have it. That does not say that they read it.
road-relay = Connected through a relay.
road-direct = Connected directly.
road-offline = Not connected now.
road-sees = What it sees
gap-count = { $count ->
    [one] {$count} entry is missing.
   *[other] {$count} entries are missing.
 }
gap-some = Some entries are missing.
gap-asks = Asking {$names}.
gap-asking = Asking for it.
gap-key-coming = The key for it is on its way.
gap-not-a-member-then = What was said here was said before you came in.
gap-forgotten = What was said here has been forgotten, as the circle agreed.
gap-damaged = It came damaged. Asking for it again.
gap-newer-version = It needs a newer Hearthlight. Update this one.
line-joined = {$name} came in.
line-left = {$name} left.
line-removed = {$name} was removed.
line-removed-why = {$name} was removed. The reason given: {$reason}
line-role-given = {$name} is {$role} now.
line-role-ended = {$name} is {$role} no more.
line-vote-asked = {$name} asks the circle: {$text}
line-vote-carried = The circle said yes to: {$text}
line-vote-not-carried = The circle did not say yes to: {$text}
line-vote-no-quorum = Too few took part to decide: {$text}
line-vote-blocked = Somebody blocked: {$text}
line-differs = {$name} sent different things to different people. All of it is shown to all.
line-exceeds = {$name} sent more than the circle takes.
line-newer = Made with a newer version.
link-ask = Open this page?
link-what = It opens in a new tab. The site sees your internet address.
link-yes = Open it
private-ask = Is there a phone number, a mail address or a street in it?
private-what = Everybody in the circle can copy it. It cannot be taken back.
private-yes = Send it
private-no = Look again

## People
people-alone = You are alone here. Invite somebody.
people-gone = Who was here before
people-all = All people
member-since = since {$date}
member-held = on hold
member-left = left
member-removed = removed
member-verified = compared
member-blocked = blocked by you
member-me = This is you. You can leave the circle under About.
member-term = {$role} until {$date}.
member-removal = {$names} asked to remove this member. A second host has to ask the same.
role-host = host
role-steward = steward
role-chair = chair
role-greeter = greeter
role-timekeeper = timekeeper
role-treasurer = treasurer
role-facilitator = facilitator
roles = Roles
roles-what = A host may do everything. Stewards invite, let people in, and can hold what somebody says.
role = Another role
role-give = Give this role
role-make-host = Make host
role-drop = Take back: {$role}
verify = Show the six words
verify-what = You and {$name} see the same six words, if nobody stands between you. Compare them by voice.
verify-ask = Does {$name} see the same six words?
verify-same = Yes, the same
verify-other = No, others
verify-differs = Then do not tell {$name} anything here yet. Talk to a host, by voice.
hold = Hold
hold-what = What {$name} says is set aside for a time, then shown. It gives everybody time.
hold-on = What this member says is set aside now, and shown when the hold ends.
hold-for = For
hold-do = Hold
hold-end = End the hold
block = Block
block-what = You no longer see what this member says. Only this computer knows. Nobody is told.
block-undo = Stop blocking
remove = Remove
remove-what = {$name} is taken out of the circle. Talk about it first, with the others.
remove-reason = Reason
remove-reason-hint = Everybody can read it, also the one who is removed.
remove-ask = Remove {$name} from the circle?
remove-then = What you say from now on cannot be read by them. Open codes are closed with it.
remove-stays = What they have read and copied stays with them.
remove-yes = Remove
remove-done = { $count ->
    [one] {$name} is removed. {$count} open code was closed.
   *[other] {$name} is removed. {$count} open codes were closed.
 }
remove-needs-second = A second host has to ask the same. Until then, nothing changes.
remove-needs-vote = The circle decides. A vote has begun.

## Invite and door
invite-what = A code gives the right to ask. Give it by hand or by voice, if you can.
invite-uses = Who can use it
invite-people = { $count ->
    [one] {$count} person
   *[other] {$count} people
 }
invite-lasts = For how long
invite-label = Who it is for
invite-label-hint = Only you see this. It helps to know who asks.
invite-make = Make a code
invite-made = Here is the code
invite-until = { $count ->
    [one] {$count} person can use it, until {$date}.
   *[other] {$count} people can use it, until {$date}.
 }
invite-once = It is shown this once. Do not post it where others can read it.
invite-unregistered = No relay knows it yet. Keep Hearthlight running; it can be used in a while.
invite-copy = Copy the code
invite-copied = Copied.
invite-copy-by-hand = Mark the code and copy it by hand.
invite-qr = Or let a phone read this.
invite-qr-name = The code as a square to scan
invite-open = Open codes
invite-none = No code is open.
invite-past = Codes of before
invite-by = Made by {$name}
invite-live = { $count ->
    [one] for {$count} more person, until {$date}
   *[other] for {$count} more people, until {$date}
 }
invite-used = used
invite-expired = ended {$date}
invite-revoked = taken back
invite-back = Take back
invite-back-what = Nobody can ask with it any more. Who asked already still waits at the door.
invite-back-yes = Take it back
waiting-none = Nobody is at the door.
waiting-what = Ask who it is, by voice if you can. Then compare the six words.
waiting-asked = Asked {$date}.
waiting-label = With the code for {$label}.
waiting-words = They see the same six words:
waiting-admitting = On the way in.
waiting-in = {$name} is in.
waiting-out = {$name} was told that it is not possible this time.
admit = Let in
decline = Do not let in
decline-ask = Do not let {$name} in?
decline-what = They are told that the circle did not let them in this time.

## About a circle
rules-none = No rules are written down yet.
about-admit = Coming in
about-hosts = Hosts
about-keeps = Keeps what is said for
about-keeps-all = as long as somebody keeps it
label = Name on this computer
label-field = What you call this circle
label-hint = Only you see it.
leave = Leave the circle
leave-ask = Leave {$circle}?
leave-what = You need no reason. The others see that you left. To come back you need a new code.
leave-only-host = You are its only host. After you, nobody can let people in or remove anybody there.
leave-yes = Leave
forget = Remove from this computer
forget-ask = Remove {$circle} from this computer?
forget-what = Everything of this circle is erased here. It cannot be taken back.
forget-yes = Remove it

## Help
help-title = Get help now
help-intro = You are not in the way. Choose one:
help-country = Which country are you in?
help-danger = If you are in danger, call your local emergency number.
help-call = Call {$number}
help-text = Text {$number}
help-web = {$number}
help-text-say = Text {$say} to {$number}
help-read = Read on {$date} at its source:
help-old = Checked on {$date}. It may be out of date. Source:
help-unchecked = A person has not checked these numbers yet.
help-other-country = Another country
help-circle = Ask somebody in my circles
help-card = When someone speaks of dying
help-card-1 = Ask them directly.
help-card-2 = Stay with them.
help-card-3 = Bring in a help line.
help-card-4 = Tell a steward.
help-card-5 = Look after yourself.
help-stopping = Stopping alcohol or some pills at once can harm you. Call a doctor or your emergency number.

## Settings
settings-title = Settings
settings-look = Look and language
settings-theme = Light or dark follows your computer.
settings-notices = Notices
settings-lock = Lock
language = Language
country = Country
country-hint = The numbers under Get help now are for this country.
country-none = not chosen
page-title = Name of this tab
page-title-hint = It never changes by itself, and shows no counts.
page-away = After Hide, show
away-notes = a page for notes
away-blank = an empty page
notify = When something is new
notify-mark = write New activity on this page
notify-off = say nothing
quiet = Quiet hours
quiet-hint = No notice in these hours. Messages still arrive.
quiet-from = From
quiet-to = To
lock-after = Lock by itself after
lock-5m = 5 minutes
lock-15m = 15 minutes
lock-1h = 1 hour
lock-4h = 4 hours
lock-never = never
lock-hint = Counted from the last time that you did something.
lock-bare = There is no passphrase here. A lock hides what is here, but does not protect it.
lock-now = Lock now
spellcheck = Let the browser check my spelling
spellcheck-hint = Some browsers send what you type to a company for that.
guard-title = What this page cannot do
guard = It cannot guard against programs that spy, browser add-ons, whoever runs this computer, or whoever holds it open.
guard-history = The browser keeps 127.0.0.1 in its history.
erase = Erase everything
erase-what = All circles, all words and all keys on this computer are erased.
erase-ask = Erase everything on this computer?
erase-stays = It cannot be taken back. What others have stays with them. A sudden change can be noticed.
erase-yes = Erase it
locked-title = Locked
locked-arrives = Nothing arrives while this is locked.
locked-relay = Your relay keeps it for you.
locked-bare = There is no passphrase. Anyone at this computer can open it.
unlock = Open

## What could not be done, and one thing to do
problem-internal = Something went wrong here. Try again, or run: hearthlight doctor
problem-disk-full = The disk is full, so nothing was changed. Make room on it, then do it again.
problem-usage = This could not be understood. Look at what you typed.
problem-no-match = It is not there any more. Go back and look again.
problem-needs-input = Something is empty here. Fill it in.
problem-too-large = It is too long. Send it in parts.
problem-label-taken = Another circle here has that name. Choose another one.
problem-relay-address-damaged = The relay address cannot be read. Copy it again from who gave it to you.
problem-wrong-passphrase = That is not the passphrase. Type it again. Nothing is counted.
problem-needs-passphrase = Type the passphrase first.
problem-not-an-invite = This is not an invite. An invite starts with HL1.
problem-invite-damaged = There is more than one typing mistake. Copy it again from the start.
problem-invite-group = Check group {$group} ({$typed}, as typed).
problem-invite-short = The end is missing: {$have} of {$all} groups are here.
problem-invite-newer = A newer Hearthlight made this invite. Update this one, then try again.
problem-invite-expired = This invite has ended. Ask for a new one. If it is still to come, check this computer's clock.
problem-invite-used = This invite was used already. Ask for a new one; each works once.
problem-invite-revoked = This invite was taken back. Ask for a new one.
problem-invite-unknown = The relay does not know this invite. It may have ended. Ask for a new one.
problem-unreachable = The relay could not be reached, so nothing was changed. Try again later.
problem-timed-out = No answer came in time. Try again later.
problem-no-relay = This circle has no relay. Add one under About.
problem-already-set-up = It is set up here already. Open this page again.
problem-declined = The circle did not let you in this time.
problem-removed = You are not in this circle any more. To come back you need a new code.
problem-not-allowed = This needs a role that you do not have here. Ask a host.
problem-another-host = One host cannot do this to another host. Two hosts together can remove a third.
problem-only-host = You are the only host. Make somebody else a host first.
problem-held-lately = There was a hold in the last 14 days. Talk about it in the circle.
problem-banned = The relay does not serve this computer. Ask who runs it.
problem-quota = There is no room for more now. Wait a little, then try again.
problem-listen-only = Whoever wrote this wants to be heard, not answered. Say something of your own instead.
problem-relay-mismatch = Another relay answers at this address. Do not go on. Ask the person who gave you the code.
problem-store-damaged = What is kept here is damaged. Keep its folder as it is, and run: hearthlight doctor

## Decisions

votes-what = Anybody here can ask, and everybody then chooses. All see who chose what.
votes-none = Nothing was asked yet.
votes-over = Decided
votes-text = What do you ask?
votes-ask = Ask the circle
votes-asked = The circle is asked.
vote-then = If it is carried
vote-then-none = Nothing follows by itself
vote-then-elect = Somebody is given a role
vote-then-remove = Somebody is removed
vote-then-name = The circle has a new name
vote-sure = Ask the circle?
vote-sure-what = What it decides is done by itself.
vote-whom = Whom it is about
vote-role = Which role
vote-name = The new name
vote-by = Asked by {$name}.
vote-open = Open until {$until}.
vote-counting = Counted by {$until}.
vote-carried = It was carried.
vote-not-carried = It was not carried.
vote-no-quorum = Too few took part.
vote-blocked = It was blocked.
vote-lapsed = There was no decision. Ask again.
vote-remove = If it is carried, {$name} is removed.
vote-elect = If it is carried, {$name} has this role: {$role}.
vote-rename = If it is carried, the circle is named {$circle}.
vote-cast = {$cast} of {$all} chose.
vote-who = Who chose what
choice-yes = Yes
choice-no = No
choice-abstain = Abstain
choice-aside = Stand aside
choice-block = Block
