import millwright
from sklearn.ensemble import RandomForestClassifier

job = millwright.job()  # job.X and job.y: the training rows, as pandas

model = RandomForestClassifier(job.params["trees"], min_samples_leaf=2, oob_score=True, random_state=job.seed, n_jobs=job.threads)
model.fit(job.X, job.y)

job.log(out_of_bag_accuracy=model.oob_score_)  # any MLflow client logs to the same run
job.save(model)
