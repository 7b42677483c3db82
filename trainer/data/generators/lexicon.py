"""The words that rules write with: synonyms of verbs and nouns, and job titles by fields of work.

A line is an entry. The words of its first column may stand for one another; it is looked up by those before
the semicolon, or by all where there is none.
"""

import re
from typing import Final

__all__ = ["FIELDS", "NOUNS", "PROFESSIONS", "VERBS"]


def _table(text: str) -> dict[str, list[tuple[str, ...]]]:
    """The columns of each line, by every word that it is looked up by."""
    rows = {}
    for line in text.strip().splitlines():
        columns = [tuple(re.split("[,;] ", column)) for column in line.split(" | ")]
        rows.update(dict.fromkeys(re.split(";| [|]", line)[0].split(", "), columns))
    return rows


VERBS: Final = _table("""
manage, oversee, supervise, direct, lead; run, handle | management, supervision | Manager, Supervisor, Head
coordinate, organise, plan, schedule; arrange | coordination, planning | Coordinator, Planner, Manager
operate, tend, run; control, work with | operation, handling | Operator, Technician, Operative
handle, process; deal with, work with | handling, processing | Handler, Processing Operator, Clerk
maintain, service; look after, take care of | maintenance, servicing | Maintenance Technician, Mechanic
repair, restore, fix; mend, refurbish | repair, restoration | Repair Technician, Repairer, Restorer
perform, conduct, carry out, execute, undertake; do | execution, performance | Specialist, Technician, Officer
use, apply, utilise, employ; work with, make use of | use, application | Specialist, Practitioner, User
implement, introduce; put into practice, roll out | implementation, introduction | Manager, Consultant
develop, create, devise; build, come up with | development, creation | Developer, Designer, Engineer
design; plan, develop, draft, create | design, planning | Designer, Design Engineer, Architect
monitor, observe, track; watch, keep an eye on | monitoring, observation | Monitoring Officer, Controller
check, inspect, examine, verify; control, look over | inspection, checking | Inspector, Controller
provide, deliver, supply, offer; give | provision, delivery, supply | Provider, Officer, Advisor
prepare; set up, put together, make | preparation | Assistant, Technician, Coordinator
make, produce, manufacture; create | production, manufacture | Maker, Production Operator
ensure, guarantee, safeguard; make sure of, see to | assurance, safeguarding | Officer, Inspector, Manager
advise on; consult on, give advice on, give guidance on | advice on, guidance on | Consultant, Advisor
advise, counsel, guide; give advice to, support | counselling, guidance | Advisor, Counsellor, Consultant
understand, comprehend; grasp, know, be familiar with | understanding, comprehension | Specialist, Expert
assess, evaluate, appraise, review; judge, rate | assessment, evaluation | Assessor, Evaluator, Analyst
analyse, study, investigate, research; look into | analysis, investigation | Analyst, Researcher, Scientist
identify, detect, recognise, determine; spot, find | identification, detection | Analyst, Inspector
calculate, estimate, forecast; work out, predict | calculation, estimation | Estimator, Analyst, Forecaster
install, set up, mount, fit; put in | installation, fitting | Installer, Fitter, Installation Technician
assemble; put together, build | assembly | Assembler, Assembly Technician, Fitter
set, adjust, adapt, calibrate; tune, configure | adjustment, setting | Setter, Technician, Operator
write, draft, compose, draw up; author | writing, drafting | Writer, Author, Editor
assist, support, help; aid | assistance, support | Assistant, Support Worker, Aide
promote, encourage, advertise; further, advance | promotion | Promoter, Campaign Manager
teach; instruct in, give lessons in, lecture on | teaching | Teacher, Lecturer, Tutor
train, instruct, coach, educate; teach | training, instruction, coaching | Trainer, Instructor, Coach
follow, comply with, adhere to; observe, apply | compliance with, adherence to | Compliance Officer
transport, transfer, move, load; carry, ship | transport, transfer | Handler, Driver, Transport Coordinator
""")
"""Verbs with the same object, nouns of the act, and last words of job titles, by base form and particle."""

NOUNS: Final = _table("""
equipment; apparatus, devices, gear
machine; appliance, unit
machinery; machines, equipment
product, good; article, item
material, substance; raw material
procedure, process; practice, protocol, operation
technique, method; approach, methodology
strategy, policy, plan; guideline, approach
regulation, rule; requirement, legal provision
legislation, law; regulations, legal requirements
activity, task; duty, action
staff, personnel; employees, workforce, team members
customer, client; consumer, buyer
information, data
ICT; IT, information technology, computer
""")
"""Nouns that may stand for one another, by the singular or, where there is none, the plural."""

FIELDS: Final = _table("""
software, programming, coding, web$, app$, digital | Software Developer, Web Developer, Software Tester
data$, database, sql, statist, information | Data Analyst, Data Scientist, Database Administrator
ict$, network, server, cyber, hardware, computer | System Administrator, Network Engineer, IT Consultant
electr, circuit, sensor, energy, power$, nuclear | Electrician, Electronics Engineer, Power Plant Operator
mechani, engine$, engines$, hydraulic, robot | Mechanical Engineer, Mechanic, Mechatronics Technician
vehicle, car$, automotive, truck, driving, traffic | Truck Driver, Vehicle Technician, Bus Driver
rail, train$, trains$, locomotive, passenger | Train Driver, Rail Traffic Controller, Train Conductor
air$, aircraft, flight, airport, aviation | Pilot, Air Traffic Controller, Aircraft Mechanic, Airport Manager
ship$, ships$, vessel, maritime, port$, boat | Ship Captain, Deck Officer, Marine Engineer, Sailor
cargo, freight, logistic, warehous, stock, transport | Warehouse Worker, Logistics Manager, Freight Forwarder
sales, sell, retail, customer, shop, store$ | Sales Assistant, Shop Manager, Sales Representative
marketing, advertis, brand, journalis, media$ | Marketing Manager, Journalist, Public Relations Officer
account, taxat, financ, bank, insur, risk$, budget | Accountant, Financial Manager, Insurance Broker
business, strateg, company, project, stakeholder | Business Manager, Project Manager, Management Consultant
employe, recruit, personnel, staff, office, meeting | HR Officer, Recruitment Consultant, Office Manager
law$, legal, court, judic, contract, legislat | Lawyer, Judge, Legal Assistant, Court Clerk
police, crim, security, guard, milit, fire$ | Police Officer, Security Guard, Army Officer, Firefighter
production, factory, assembl, manufactur | Production Manager, Production Operator, Quality Engineer
metal, steel, weld, forg, machine, tool$, lathe | Welder, Metalworker, Machinist, Toolmaker, Machine Operator
wood, timber, lumber, furnitur, saw$ | Carpenter, Cabinet Maker, Sawmill Operator, Joiner
plastic, rubber, latex, mould, glass, ceramic, clay | Plastics Machine Operator, Mould Maker, Glass Blower
paper$, print, book$, publish, librar | Print Operator, Bookbinder, Librarian, Author
textil, fabric, yarn, garment, sew, fashion | Tailor, Textile Technician, Fashion Designer, Weaver
leather, footwear, shoe, jewel, watch$, gem | Footwear Maker, Leather Worker, Jeweller, Watchmaker
chemi, laborat, sample, biolog, bacteri, genetic | Chemist, Biologist, Laboratory Technician
mathemat, physic$, physics, scientif, research | Research Scientist, Physicist, Mathematician, Lecturer
patient, medic, clinic, surg, healthcare, pharma | Doctor, Nurse, Surgeon, Pharmacist
therap, rehabilit, massage, muscle | Physiotherapist, Occupational Therapist, Massage Therapist
dental, teeth, optic, lens | Dentist, Dental Technician, Optician
psych, mental, emotion, behavio, counsel | Psychologist, Psychotherapist, Counsellor
social, welfare, vulnerab, famil, child, youth | Social Worker, Child Care Worker, Youth Worker
teach, student, school, educat, lesson, course | Teacher, Lecturer, Head Teacher, Training Coordinator
sport, athlet, fitness, game$, games$, gambl, bet$ | Sports Coach, Fitness Instructor, Game Designer
music, sound, audio, danc, theat, stage$, actor | Musician, Dancer, Actor, Sound Technician
film, video, camera, photo, graphic, art$, artis, 3d$ | Photographer, Camera Operator, Graphic Designer
politic, govern, policy, public$, econom, trade | Policy Officer, Economist, Civil Servant
environment, pollut, waste, recycl, water$ | Environmental Engineer, Waste Manager, Water Plant Operator
construct, building$, concrete, roof, tile, floor | Construction Worker, Bricklayer, Tiler, Roofer
architect, urban, interior, land$, survey, map$ | Architect, Land Surveyor, Urban Planner
pipe, heating, ventilat, refrig, paint, coat, varnish | Plumber, Heating Engineer, Painter
mine$, mining, geolog, mineral, oil$, gas$, well$ | Miner, Geologist, Petroleum Engineer, Drilling Operator
food, ingredient, flour, bak, meat, dairy, milk | Food Production Operator, Baker, Butcher, Food Technologist
cook, kitchen, dish, restaurant, wine, beverage | Cook, Waiter, Restaurant Manager, Sommelier, Brewer
hotel, touris, travel, visitor, event$, events$ | Hotel Manager, Tour Guide, Travel Agent, Event Manager
clean, laundry, hygien | Cleaner, Laundry Worker, Window Cleaner
hair, beauty, cosmet, skin | Hairdresser, Beautician, Make-up Artist
farm, crop, soil, harvest, agricult, plants$, tree | Farmer, Gardener, Forester, Agronomist
animal, veterin, livestock, horse, fish, aquacult | Veterinarian, Animal Breeder, Fisherman
""")
"""Beginnings of words, of which ``$`` ends a whole word, and the job titles of the field that they show."""

PROFESSIONS: Final = {
    "ology": "ologist", "graphy": "grapher", "iatry": "iatrist", "nomy": "nomist", "law": "Lawyer",
    "engineering": "Engineer", "design": "Designer", "surgery": "Surgeon", "therapy": "Therapist",
    "chemistry": "Chemist", "physics": "Physicist", "science": "Scientist", "analysis": "Analyst",
    "management": "Manager", "programming": "Programmer", "history": "Historian", "medicine": "Physician",
}  # fmt: skip
"""Endings of topics, and of those who work with them."""
