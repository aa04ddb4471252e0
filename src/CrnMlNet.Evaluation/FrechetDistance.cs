using CrnMlNet.Torch.Backend;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Evaluation;

/// <summary>
/// The Frechet distance between two sets of features, each taken for normally distributed:
/// <c>|m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2))</c> (Dowson &amp; Landau, 1982). Of Inception's pool3 features it is the FID (Heusel et al.,
/// 2017); of others it is not, and their numbers do not compare with FIDs.
/// </summary>
/// <remarks>
/// The trace of the root is the sum of the roots of the eigenvalues of <c>S1^(1/2) S2 S1^(1/2)</c>, which is symmetric: so nothing
/// becomes complex where there are fewer photos than features, as may happen to a general matrix root. Few photos still make the number too great; of
/// fewer than some thousands, prefer <see cref="KernelDistance"/>.
/// </remarks>
public static class FrechetDistance
{
    /// <summary>Compares two sets of features.</summary>
    /// <param name="first">One set <c>[N, d]</c>, at least two rows.</param>
    /// <param name="second">The other <c>[M, d]</c>, at least two rows.</param>
    /// <returns>0 or more; lower is nearer.</returns>
    /// <exception cref="ArgumentException">A set has less than two rows, or the numbers of features differ.</exception>
    public static double Between(Tensor first, Tensor second)
    {
        KernelDistance.Check(first, second);
        using var scope = NewDisposeScope();
        var (meanOne, covarianceOne) = Moments(first.to(ScalarType.Float64).cpu());
        var (meanOther, covarianceOther) = Moments(second.to(ScalarType.Float64).cpu());
        return Between(meanOne, covarianceOne, meanOther, covarianceOther);
    }

    /// <summary>Compares two normal distributions.</summary>
    /// <param name="firstMean">One's mean <c>[d]</c>, float64.</param>
    /// <param name="firstCovariance">One's covariance <c>[d, d]</c>, float64, symmetric.</param>
    /// <param name="secondMean">The other's mean.</param>
    /// <param name="secondCovariance">The other's covariance.</param>
    /// <returns>0 or more.</returns>
    public static double Between(Tensor firstMean, Tensor firstCovariance, Tensor secondMean, Tensor secondCovariance)
    {
        using var scope = NewDisposeScope();
        var root = Root(firstCovariance);
        var product = root.matmul(secondCovariance).matmul(root);
        double rootTrace = linalg.eigvalsh(product).AtLeast(0).sqrt().sum().item<double>();
        double between = (firstMean - secondMean).square().sum().item<double>();
        double traces = firstCovariance.trace().item<double>() + secondCovariance.trace().item<double>();
        // Equal distributions may come out at -1e-12.
        return Math.Max(0, between + traces - 2 * rootTrace);
    }

    private static (Tensor Mean, Tensor Covariance) Moments(Tensor features)
    {
        var mean = features.mean([0]);
        var centred = features - mean;
        return (mean, centred.transpose(0, 1).matmul(centred).Times(1.0 / (features.shape[0] - 1)));
    }

    private static Tensor Root(Tensor covariance)
    {
        var (values, vectors) = linalg.eigh(covariance);
        return (vectors * values.AtLeast(0).sqrt()).matmul(vectors.transpose(0, 1));
    }
}
