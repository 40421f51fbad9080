import millwright
from xgboost import XGBClassifier

job = millwright.job()  # job.X and job.y: the training rows, as pandas

model = XGBClassifier(n_estimators=job.params["trees"], max_depth=4, learning_rate=0.2, random_state=job.seed, n_jobs=job.threads)
model.fit(job.X, job.y)

job.log(training_accuracy=model.score(job.X, job.y))  # any MLflow client logs to the same run
job.save(model)
